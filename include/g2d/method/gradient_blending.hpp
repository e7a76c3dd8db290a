// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/present_loss.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class Blending {
  Offline,  ///< Once, by trials of the whole run.
  Online,   ///< Before every super-epoch, by trials of a super-epoch.
};

struct GradientBlendingOptions {
  Blending blending = Blending::Online;
  std::int64_t super_epoch = 10;    ///< n >= 1, in epochs: 10 in BalanceBenchmark.
  double gain_floor = 1e-8;         ///< G is at least this, > 0.
  double overfitting_floor = 1e-8;  ///< O^2 is at least this, > 0.
};

/// w_k = (G_k / O_k^2) / sum_j (G_j / O_j^2), with G and O^2 no less than their floors. A stream whose trial came to no
/// number has weight 0; when none came to one, all weigh the same.
[[nodiscard]] inline PerModality<double> blending_weights(ModalitySpan<double> gains, ModalitySpan<double> overfittings,
                                                          const GradientBlendingOptions& options) {
  PerModality<double> weights;
  double sum = 0.0;
  for (std::size_t k = 0; k < gains.size(); ++k) {
    const double overfitting = std::max(options.overfitting_floor, overfittings[k] * overfittings[k]);
    const bool is_number = std::isfinite(gains[k]) && std::isfinite(overfittings[k]);
    weights.push_back(is_number ? std::max(options.gain_floor, gains[k]) / overfitting : 0.0);
    sum += weights.back();
  }
  for (auto& weight : weights) weight = sum > 0.0 ? weight / sum : 1.0 / static_cast<double>(weights.size());
  return weights;
}

/// Gradient blending (G-Blend): modalities and their fusion count by how much they generalise for how much they
/// overfit.
///
///     L = w_fused L_task(z, y) + sum_m w_m L_task(z_m, y)
///     G_k = L^V_k(before) - L^V_k(after),  O_k = (L^V_k - L^T_k)(after) - (L^V_k - L^T_k)(before),  w_k ~ G_k / O_k^2
///
/// For each stream k, a modality or the fused output, a trial trains a copy of the student for n epochs on L_k alone;
/// L^T and L^V are its mean training and validation losses. A trial is run as the epoch that comes is: by the plan of
/// all methods of a stack, with its learning rates. Complete: it brings the task's loss, as "task" and "unimodal".
/// The loss of a modality is over the samples that have it.
///
/// Use when   modalities overfit at different rates, and training M + 2 times is affordable. The student's readout
///            should be `readout::OwnHeads`, which the streams of the modalities train. Needs a trainer.
/// Shapes     any fusion, any M.
/// Cost       (M + 1) n epochs, and their evaluations, before every super-epoch of n epochs; offline once, of the run's
///            length.
/// Errors     ConfigError for options out of range.
/// Source     Wang et al. 2020, arXiv:1905.12681. Weights that it found (A, V, AV): AudioSet .239, .384, .377;
///            EPIC-Kitchens nouns .175, .460, .364.
/// Deviates   negative gains count as the floor. BalanceBenchmark takes their size, compares sums over batches instead
///            of means, and "before" is after the first epoch there.
template <task::TaskPolicy Task>
class GradientBlending {
 public:
  static constexpr Needs needs{.unimodal = true};

  explicit GradientBlending(GradientBlendingOptions options = {}, Task task = Task())
      : options_(options), task_(std::move(task)) {
    if (options_.super_epoch < 1) {
      throw ConfigError(
          fmt::format("g2d: method::GradientBlending: expected super_epoch >= 1, got {}", options_.super_epoch));
    }
    if (!(options_.gain_floor > 0.0) || !(options_.overfitting_floor > 0.0)) {
      throw ConfigError(
          fmt::format("g2d: method::GradientBlending: expected gain_floor and overfitting_floor > 0, got {} and {}",
                      options_.gain_floor, options_.overfitting_floor));
    }
  }

  void begin(const Setup& setup) {
    const auto num_streams = setup.names.size() + 1;
    weights_.assign(num_streams, 1.0 / static_cast<double>(num_streams));
    on_trial_.reset();
    next_ = 0;
  }

  void prepare(Run& run) {
    if (!next_ || run.epoch() < *next_) return;
    const bool is_online = options_.blending == Blending::Online;
    const auto num_epochs = is_online ? options_.super_epoch : run.num_epochs();
    PerModality<double> gains, overfittings;
    for (std::size_t k = 0; k < weights_.size(); ++k) {
      const auto trial = try_alone(k, run, num_epochs);
      const auto before = loss_of(k, trial.validation_before);
      const auto after = loss_of(k, trial.validation_after);
      gains.push_back(before - after);
      overfittings.push_back((after - loss_of(k, trial.train_after)) - (before - loss_of(k, trial.train_before)));
    }
    weights_ = blending_weights(gains, overfittings, options_);
    next_ = is_online ? std::optional(run.epoch() + options_.super_epoch) : std::nullopt;
  }

  /// A trial of one modality has no use for the others.
  void control_batch(const StepContext&, Controls& controls) {
    if (!on_trial_ || *on_trial_ == controls.size()) return;
    for (std::size_t m = 0; m < controls.size(); ++m) {
      if (m != *on_trial_) controls[m].combine({.frozen = true, .skipped = true});
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    const auto fused = outputs.unimodal.size();
    if (learns(fused)) terms.push_back({"task", {}, task_.loss(outputs.fused, target), weight(fused)});
    for (std::size_t m = 0; m < outputs.unimodal.size(); ++m) {
      if (!learns(m)) continue;
      const auto present = outputs.kept(present_column(context.batch, m));
      terms.push_back({"unimodal", m, detail::present_loss(task_, outputs.unimodal[m], target, present), weight(m)});
    }
  }

  /// w of the modalities, then of the fused output.
  [[nodiscard]] const PerModality<double>& weights() const { return weights_; }

 private:
  /// The trial of one stream. It is over after an error, too.
  [[nodiscard]] TrialResult try_alone(std::size_t stream, Run& run, std::int64_t num_epochs) {
    on_trial_ = stream;
    try {
      auto result = run.trial(num_epochs);
      on_trial_.reset();
      return result;
    } catch (...) {
      on_trial_.reset();
      throw;
    }
  }

  [[nodiscard]] static double loss_of(std::size_t stream, const SplitLosses& losses) {
    return stream < losses.unimodal.size() ? losses.unimodal[stream] : losses.fused;
  }
  [[nodiscard]] bool learns(std::size_t stream) const { return !on_trial_ || *on_trial_ == stream; }
  [[nodiscard]] double weight(std::size_t stream) const { return on_trial_ ? 1.0 : weights_[stream]; }

  GradientBlendingOptions options_;
  Task task_;
  PerModality<double> weights_;
  std::optional<std::size_t> on_trial_;   ///< The stream that a trial trains alone.
  std::optional<std::int64_t> next_ = 0;  ///< The epoch before which the weights are found anew; empty: never.
};

}  // namespace g2d::method
