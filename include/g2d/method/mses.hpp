// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/suppression/norm_statistics.hpp>

namespace g2d::method {

struct MsesOptions {
  std::int64_t patience = 10;        ///< P, in epochs: 80 for CREMA-D, 10 for AV-MNIST, 30 for UR-Funny.
  double newest_share = 0.4;         ///< Of the newest loss in the smoothed one, in (0, 1].
  bool restores_everything = false;  ///< Official: the whole student goes back, not only the modality that stops.
};

/// As in the code of AGM's authors.
[[nodiscard]] inline MsesOptions official_mses(std::int64_t patience = 10) {
  return {.patience = patience, .restores_everything = true};
}

/// Early stopping for each modality (MSES): one that overfits goes back to its best epoch and stays there.
///
///     l_m(e): the validation loss of what modality m says alone after epoch e
///     s_m(e) = (1 - a) l_m(e - 1) + a l_m(e),  k_m = argmin s_m;  e - k_m > P: m stops, with its weights of epoch k_m
///
/// An epoch after which l_m is no number does not judge m, as if it had not been: a modality that no validation sample
/// has never stops. A stopped modality's encoder and head are frozen, norm statistics included; when all have stopped
/// the run ends. Stacked on `Supervised`.
///
/// Use when   modalities overfit at different times. Their heads must be trained: with `fusion::Late` or `Sum` they
///            are.
/// Shapes     any M, any task.
/// Cost       a copy of the parameters; stopped encoders save their backward pass.
/// Errors     ConfigError for options out of range; at `begin` for modalities that share an encoder.
/// Source     Fujimori et al. 2019, ACPR, after the code of AGM's authors; the paper's abstract alone was read.
/// Deviates   only the stopped modality is restored, and it is frozen; the code resets the whole model
///            (`official_mses`, after which the optimizer starts anew, where the code goes back to its old state) and
///            multiplies gradients by 0, under which momentum and weight decay go on. The validation split decides, not
///            the test split.
/// Reference  tests/method/make_golden_gradients.py
class Mses {
 public:
  explicit Mses(MsesOptions options = {}) : options_(options) {
    if (options_.patience < 0)
      throw ConfigError(fmt::format("g2d: method::Mses: expected patience >= 0, got {}", options_.patience));
    if (!(options_.newest_share > 0.0 && options_.newest_share <= 1.0)) {
      throw ConfigError(
          fmt::format("g2d: method::Mses: expected newest_share in (0, 1], got {}", options_.newest_share));
    }
  }

  void begin(const Setup& setup) {
    detail::check_own_encoders(setup, "method::Mses");
    const auto& student = detail::student_of(setup, "Mses");
    progress_.clear();
    for (std::size_t m = 0; m < setup.names.size(); ++m) progress_.push_back({.state = state_of(student, m)});
  }

  void prepare(Run& run) {
    went_back_ = false;
    if (run.validation() == nullptr) return;
    const auto done = run.epoch() - 1;
    // All are looked at before anything goes back.
    for (std::size_t m = 0; m < progress_.size(); ++m) {
      if (!progress_[m].has_stopped) look(progress_[m], run.validation()->losses.unimodal[m], done);
    }
    for (auto& modality : progress_) {
      if (!modality.has_stopped && modality.num_since_best > options_.patience) stop(modality);
    }
  }

  void plan(std::int64_t /*epoch*/, Plan& plan) {
    for (std::size_t m = 0; m < progress_.size(); ++m) {
      if (!progress_[m].has_stopped) continue;
      Control stopped;
      stopped.frozen = true;
      stopped.head_frozen = true;
      stopped.norm_statistics = suppression::NormStatistics::Frozen;
      plan.controls[m].combine(stopped);
    }
    if (went_back_ && options_.restores_everything) plan.resets_optimizer = true;
    if (std::all_of(progress_.begin(), progress_.end(), [](const Progress& each) { return each.has_stopped; }))
      plan.ends_run = true;
  }

  [[nodiscard]] bool has_stopped(std::size_t m) const { return progress_[m].has_stopped; }
  /// k_m, 0-based; -1 before the first.
  [[nodiscard]] std::int64_t best_epoch(std::size_t m) const { return progress_[m].best_epoch; }

 private:
  struct Progress {
    std::vector<at::Tensor> state = {};  ///< What goes back: the modality's, or everything.
    std::vector<at::Tensor> best = {};
    double last = std::numeric_limits<double>::quiet_NaN();
    double least = std::numeric_limits<double>::infinity();
    std::int64_t best_epoch = -1;
    std::int64_t num_since_best = 0;  ///< Epochs that judged the modality, and found it no better.
    bool has_stopped = false;
  };

  [[nodiscard]] std::vector<at::Tensor> state_of(const StudentView& student, std::size_t m) const {
    std::vector<at::Tensor> state;
    for (const auto& group : student.parameter_groups()) {
      if (options_.restores_everything || group.serves(m))
        state.insert(state.end(), group.parameters.begin(), group.parameters.end());
    }
    for (std::size_t other = 0; other < student.names().size(); ++other) {
      if (!options_.restores_everything && other != m) continue;
      const auto buffers = student.encoder_buffers(other);
      state.insert(state.end(), buffers.begin(), buffers.end());
    }
    return state;
  }

  void look(Progress& modality, double loss, std::int64_t epoch) const {
    if (std::isnan(loss)) return;
    const bool is_first = modality.best_epoch < 0;
    const double smoothed =
        is_first ? loss : (1.0 - options_.newest_share) * modality.last + options_.newest_share * loss;
    modality.last = loss;
    if (!is_first && !(smoothed < modality.least)) {
      ++modality.num_since_best;
      return;
    }
    modality.least = smoothed;
    modality.best_epoch = epoch;
    modality.num_since_best = 0;
    modality.best.clear();
    for (const auto& tensor : modality.state) modality.best.push_back(tensor.detach().clone());
  }

  void stop(Progress& modality) {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < modality.state.size(); ++i) modality.state[i].copy_(modality.best[i]);
    modality.best.clear();
    modality.has_stopped = true;
    went_back_ = true;
  }

  MsesOptions options_;
  std::vector<Progress> progress_;
  bool went_back_ = false;  ///< Just before the epoch that comes.
};

}  // namespace g2d::method
