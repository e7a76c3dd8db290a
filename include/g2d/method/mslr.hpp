// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <numeric>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class MslrMode {
  Relative,    ///< The factor is always taken from the first learning rate.
  Cumulative,  ///< It multiplies the last one, once in as many epochs as are remembered.
};

struct MslrOptions {
  PerModality<double> initial = {};  ///< Factors of the learning rate to begin with: 0.9 and 1.1 for CREMA-D. Empty: 1.
  std::int64_t history = 5;          ///< Validation accuracies that are remembered.
  MslrMode mode = MslrMode::Relative;
};

/// A learning rate for each modality (MSLR): who still gets better on validation learns faster.
///
///     q_m = a_m / mean(the last `history` a_m),  eta_m = eta initial_m q_m
///
/// a_m is the validation accuracy of what modality m says alone; q_m = 1 until enough are known, and where a_m = 0,
/// which would end all learning. An a_m that is no number, for no validation sample has the modality, is not remembered
/// and moves nothing. With Cumulative the newest counts in the mean, and every `history` epochs eta_m <-
/// eta_m q_m. Stacked on `Supervised`; acts through the plan alone.
///
/// Use when   modalities need different learning rates and nobody wants to search for them. Their heads must be
///            trained: with `fusion::Late` or `Sum` they are.
/// Cost       nothing: the trainer validates anyway.
/// Errors     ConfigError for a history < 1, factors <= 0 or not one for each modality; shared encoders. For classes.
/// Source     Yao & Mihalcea 2022, Findings of ACL, after the code of AGM's authors (Relative) and a port (Cumulative);
///            the paper itself was not read.
/// Deviates   the learning rate is scaled; the code scales gradients, which weight decay escapes and Adam undoes. The
///            validation split decides, not the test split.
/// Reference  tests/method/make_golden_gradients.py
template <task::TaskPolicy Task>
class Mslr {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Mslr compares validation accuracies, and this task has none; use task::Classification");

  explicit Mslr(MslrOptions options = {}, Task task = Task()) : options_(std::move(options)), kind_(task.output_kind) {
    if (options_.history < 1)
      throw ConfigError(fmt::format("g2d: method::Mslr: expected history >= 1, got {}", options_.history));
    for (const double factor : options_.initial) {
      if (!(factor > 0.0))
        throw ConfigError(fmt::format("g2d: method::Mslr: expected initial factors > 0, got {}", factor));
    }
  }

  void begin(const Setup& setup) {
    detail::check_classes(kind_, "Mslr", "it compares validation accuracies");
    detail::check_own_encoders(setup, "method::Mslr");
    const auto modalities = setup.names.size();
    if (!options_.initial.empty() && options_.initial.size() != modalities) {
      throw ConfigError(
          fmt::format("g2d: method::Mslr: expected an initial factor for each of {} modalities ({}), got {}",
                      modalities, setup.names.joined(), options_.initial.size()));
    }
    factors_ = options_.initial.empty() ? PerModality<double>(modalities, 1.0) : options_.initial;
    base_ = factors_;
    seen_.assign(modalities, {});
  }

  void prepare(Run& run) {
    if (run.validation() == nullptr) return;
    for (std::size_t m = 0; m < seen_.size(); ++m) {
      const double accuracy = run.validation()->unimodal_scores[m];
      if (std::isnan(accuracy)) continue;
      options_.mode == MslrMode::Relative ? relative(m, accuracy) : cumulative(m, accuracy, run.epoch());
    }
  }

  void plan(std::int64_t /*epoch*/, Plan& plan) {
    for (std::size_t m = 0; m < factors_.size(); ++m) plan.controls[m].learning_rate_factor *= factors_[m];
  }

  /// What each modality's learning rate is multiplied by.
  [[nodiscard]] const PerModality<double>& factors() const { return factors_; }

 private:
  using Accuracies = std::deque<double>;

  [[nodiscard]] bool is_full(const Accuracies& accuracies) const {
    return static_cast<std::int64_t>(accuracies.size()) == options_.history;
  }

  [[nodiscard]] static double ratio(double accuracy, const Accuracies& accuracies) {
    const double mean =
        std::accumulate(accuracies.begin(), accuracies.end(), 0.0) / static_cast<double>(accuracies.size());
    return accuracy > 0.0 && mean > 0.0 ? accuracy / mean : 1.0;
  }

  void remember(Accuracies& accuracies, double accuracy) const {
    if (is_full(accuracies)) accuracies.pop_front();
    accuracies.push_back(accuracy);
  }

  void relative(std::size_t m, double accuracy) {
    if (is_full(seen_[m])) factors_[m] = base_[m] * ratio(accuracy, seen_[m]);
    remember(seen_[m], accuracy);
  }

  void cumulative(std::size_t m, double accuracy, std::int64_t epoch) {
    remember(seen_[m], accuracy);
    if (epoch % options_.history == 0) factors_[m] *= ratio(accuracy, seen_[m]);
  }

  MslrOptions options_;
  OutputKind kind_;
  PerModality<double> base_;
  PerModality<double> factors_;
  std::vector<Accuracies> seen_;
};

}  // namespace g2d::method
