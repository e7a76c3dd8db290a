// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/repeat_interleave.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/core/shapley_weights.hpp>
#include <g2d/core/share_of.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/count_absent_as_mean.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class ValuationLevel {
  Sample,    ///< Each sample's weak modalities are shown again.
  Modality,  ///< The weak modality of the whole set is shown again, on samples drawn at random.
};

struct ValuationOptions {
  ValuationLevel level = ValuationLevel::Sample;
  std::int64_t warm_up_epochs = 5;  ///< Epochs of plain training.
  double strength = 1.0;            ///< alpha >= 0, of the modality level.
  double valued_share = 0.2;        ///< Of the training samples, in (0, 1], that the modality level values.
  /// Draw as many entries as there are samples, so that an epoch costs what it costs others.
  bool keeps_epoch_length = false;
  std::uint64_t seed = 0;
};

/// The value of each modality for each sample, double [N, M], in host memory: the Shapley values of
///
///     v(S) = |S| [argmax z_S = y], v(none) = 0
///
/// z_S is the fused output with the features of all other modalities replaced by zero. Modalities that a sample lacks
/// count 0. The values of a sample add up to the number of its modalities where z is right, else to 0.
///
/// Cost       2^M - 1 passes through the fusion, in chunks, without a graph; the encoders are not run.
[[nodiscard]] inline at::Tensor valuation_values(const StudentView& student, const FeatureTable& table) {
  constexpr std::int64_t chunk = 4096;
  const at::NoGradGuard no_grad;
  const auto modalities = table.features.size();
  const auto num_samples = table.target.size(0);
  const auto weight = shapley_weights(modalities);
  const auto column = [](std::size_t m) { return static_cast<std::int64_t>(m); };
  const auto has = table.present.defined() ? table.present.to(at::kCPU, at::kDouble)
                                           : at::ones({num_samples, column(modalities)}, at::kDouble);
  auto values = at::zeros({num_samples, column(modalities)}, at::kDouble);
  for (std::int64_t begin = 0; begin < num_samples; begin += chunk) {
    const auto rows = std::min(chunk, num_samples - begin);
    const auto target = table.target.narrow(0, begin, rows);
    auto part = values.narrow(0, begin, rows);
    for (std::size_t subset = 1; subset < (std::size_t{1} << modalities); ++subset) {
      PerModality<at::Tensor> features;
      auto worth = at::zeros({rows}, at::kDouble);
      for (std::size_t m = 0; m < modalities; ++m) {
        const bool is_in = ((subset >> m) & 1U) != 0;
        const auto whole = table.features[m].narrow(0, begin, rows);
        features.push_back(is_in ? whole : at::zeros_like(whole));
        if (is_in) worth.add_(has.select(1, column(m)).narrow(0, begin, rows));
      }
      worth.mul_(student.fuse(features).logits.argmax(1).eq(target).cpu());
      const auto size = static_cast<std::size_t>(std::popcount(subset));
      for (std::size_t m = 0; m < modalities; ++m) {
        const bool is_in = ((subset >> m) & 1U) != 0;
        if (is_in) {
          part.select(1, column(m)).add_(worth, weight[size - 1]);
        } else {
          part.select(1, column(m)).sub_(worth, weight[size]);
        }
      }
    }
  }
  return values;
}

/// How often each modality of each sample is shown again, int64 [N, M]: 3 times with a value below -0.1, twice below
/// 0.4, once below 1, else never.
[[nodiscard]] inline at::Tensor valuation_copies(const at::Tensor& values) {
  constexpr double rounding = 1e-9;
  return values.lt(1.0 - rounding).to(at::kLong).add(values.lt(0.4)).add(values.lt(-0.1));
}

/// The share of the samples that modality m is shown again on, [M]: 2/3 alpha max(0, mean_{j != m} value_j - value_m).
[[nodiscard]] inline PerModality<double> valuation_shares(ModalitySpan<double> mean_values, double strength) {
  double sum = 0.0;
  for (const double value : mean_values) sum += value;
  PerModality<double> shares;
  for (const double value : mean_values) {
    const double others = (sum - value) / static_cast<double>(mean_values.size() - 1);
    shares.push_back(2.0 / 3.0 * strength * std::max(0.0, others - value));
  }
  return shares;
}

/// Modality valuation: what contributes little to right answers is shown again, alone.
///
///     phi_im = the Shapley value of modality m for sample i, in the game v(S) = |S| [argmax z_S = y]
///
/// An epoch shows every sample once, and then again with one modality alone:
///
///     sample level:    (i, m) 3 times for phi_im < -0.1, twice below 0.4, once below 1, else never
///     modality level:  (i, m) for floor(delta_m N) samples i drawn at random,
///                      delta_m = 2/3 alpha max(0, mean_{j != m} phi_j - phi_m), phi_m the mean over a part of the
///                      samples
///
/// Valued anew before every epoch after the warm-up. Added: stacked on `Supervised`.
///
/// Use when   some samples are answered by one modality alone, and epochs may grow: up to (1 + 3M) N entries at the
///            sample level. `keeps_epoch_length` draws N of them without replacement.
/// Shapes     any fusion; M from 2 to 16. For classes; needs a trainer.
/// Cost       before an epoch one pass of all training samples (of a share at the modality level) through the encoders
///            and 2^M - 1 through the fusion; and the longer epoch.
/// Errors     ConfigError before training for another M, and for options out of range; another task than classification
///            does not compile.
/// Source     Wei et al. 2024 (CVPR), arXiv:2309.06255, and its published code.
/// Deviates   M > 2 is ours: the general Shapley value with the thresholds of M = 2, and the mean over the others. The
///            part of the samples is drawn without replacement. A hidden modality is one that the entry lacks, as
///            `AbsentFeatures` says, and its encoder sees zeros; the code zeroes the features alone. BalanceBenchmark
///            plays v(S) = [argmax z_S = y], with zeroed inputs.
template <task::TaskPolicy Task>
class Valuation {
 public:
  static_assert(
      detail::may_have_classes_v<Task>,
      "g2d: method::Valuation asks which classes are right, which this task cannot say; use task::Classification");

  explicit Valuation(ValuationOptions options = {}, const Task& task = Task()) : options_(options) {
    detail::check_classes(task.output_kind, "Valuation", "it asks which answers are right");
    if (!(options_.strength >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Valuation: expected strength >= 0, got {}", options_.strength));
    }
    if (!(options_.valued_share > 0.0 && options_.valued_share <= 1.0)) {
      throw ConfigError(
          fmt::format("g2d: method::Valuation: expected valued_share in (0, 1], got {}", options_.valued_share));
    }
  }

  void begin(const Setup& setup) {
    constexpr std::size_t most = 16;
    detail::check_several_modalities(setup, "method::Valuation");
    if (setup.names.size() > most) {
      throw ConfigError(
          fmt::format("g2d: method::Valuation: expected at most {} modalities, got {}; each one doubles the "
                      "number of subsets to value",
                      most, setup.names.size()));
    }
    samples_.reset();
    values_ = at::Tensor();
  }

  void prepare(Run& run) {
    samples_.reset();
    if (run.epoch() < options_.warm_up_epochs) return;
    const auto num_samples = run.size(Split::Train);
    const auto table = run.features(Split::Train, num_valued(num_samples));
    values_ = valuation_values(run.student(), table);
    auto generator = make_generator(options_.seed, static_cast<std::uint64_t>(run.epoch()));
    auto shown_again =
        options_.level == ValuationLevel::Sample ? weak_parts(table) : drawn_parts(table, num_samples, generator);
    samples_ = with_all(num_samples, std::move(shown_again), generator);
  }

  void plan(std::int64_t /*epoch*/, Plan& plan) {
    if (samples_) plan.samples = samples_;
  }

  /// The values that the last epoch was planned by, double [number of valued samples, M]; undefined before.
  [[nodiscard]] const at::Tensor& values() const { return values_; }

 private:
  [[nodiscard]] std::int64_t num_valued(std::int64_t num_samples) const {
    if (options_.level == ValuationLevel::Sample) return num_samples;
    return std::max<std::int64_t>(1, static_cast<std::int64_t>(share_of(options_.valued_share, num_samples)));
  }

  /// Entries that show one modality each.
  [[nodiscard]] SampleView alone(at::Tensor rows, const at::Tensor& modality) const {
    return {std::move(rows), at::arange(values_.size(1), at::kLong).eq(modality.unsqueeze(1))};
  }

  [[nodiscard]] SampleView weak_parts(const FeatureTable& table) const {
    auto copies = valuation_copies(values_);
    if (table.present.defined()) copies.mul_(table.present.cpu());
    const auto entries = at::repeat_interleave(copies.flatten());
    const auto rows = table.rows.index_select(0, entries.floor_divide(values_.size(1)));
    return alone(rows, entries.remainder(values_.size(1)));
  }

  /// Of the valued samples that have a modality, bool [N, M]; one that none has counts as the mean of the others.
  [[nodiscard]] PerModality<double> mean_values(const at::Tensor& has) const {
    std::vector<at::Tensor> columns;
    for (std::int64_t m = 0; m < has.size(1); ++m) {
      columns.push_back(detail::mean_over_present(values_.select(1, m), has.select(1, m)));
    }
    const auto means = detail::count_absent_as_mean(at::stack(columns), has.any(0));
    return {means.const_data_ptr<double>(), means.const_data_ptr<double>() + means.size(0)};
  }

  [[nodiscard]] SampleView drawn_parts(const FeatureTable& table, std::int64_t num_samples,
                                       at::Generator generator) const {
    const auto has = table.present.defined() ? table.present.cpu() : at::ones_like(values_, at::kBool);
    const auto shares = valuation_shares(mean_values(has), options_.strength);
    std::vector<at::Tensor> rows{at::zeros({0}, at::kLong)}, modality{at::zeros({0}, at::kLong)};
    for (std::int64_t m = 0; m < values_.size(1); ++m) {
      const auto count = static_cast<std::int64_t>(share_of(shares[static_cast<std::size_t>(m)], num_samples));
      // Who has what is known of the valued samples only.
      const auto candidates = table.present.defined()
                                  ? table.rows.index_select(0, at::nonzero(has.select(1, m)).squeeze(1))
                                  : at::arange(num_samples, at::kLong);
      if (count == 0 || candidates.size(0) == 0) continue;
      rows.push_back(candidates.index_select(0, at::randint(candidates.size(0), {count}, generator, at::kLong)));
      modality.push_back(at::full({count}, m, at::kLong));
    }
    return alone(at::cat(rows), at::cat(modality));
  }

  /// Every sample once, and the entries; N of both where the epoch keeps its length.
  [[nodiscard]] SampleView with_all(std::int64_t num_samples, SampleView entries, at::Generator generator) const {
    SampleView all{at::cat({at::arange(num_samples, at::kLong), entries.rows}),
                   at::cat({at::ones({num_samples, values_.size(1)}, at::kBool), entries.keep})};
    if (!options_.keeps_epoch_length) return all;
    const auto drawn = at::randperm(all.rows.size(0), std::move(generator), at::kLong).narrow(0, 0, num_samples);
    return {all.rows.index_select(0, drawn), all.keep.index_select(0, drawn)};
  }

  ValuationOptions options_;
  at::Tensor values_;
  std::optional<SampleView> samples_;
};

}  // namespace g2d::method
