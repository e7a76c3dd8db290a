// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/confidence/ratios.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/sample_random.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/mean_confidences.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct OpmOptions {
  double base_rate = 0.5;           ///< q_0 in [0, 1): 0.5 for Kinetics-Sounds; BalanceBenchmark 0.4.
  double sensitivity = 0.5;         ///< lambda >= 0.
  double batch_share = 0.7;         ///< p_exe in [0, 1]: the probability that a batch drops anything.
  std::int64_t warm_up_epochs = 6;  ///< Epochs without dropping.
  std::uint64_t seed = 0;           ///< Of which batches drop.
};

/// q_m = min(1, q_0 (1 + lambda tanh(r_m - 1))) if r_m > 1 else 0, with r_m = S_m / mean_{j != m} S_j, on the scores'
/// device.
[[nodiscard]] inline at::Tensor opm_rates(const at::Tensor& scores, const OpmOptions& options) {
  const auto ratios = confidence::ratios(scores);
  const auto rates = ratios.sub(1.0).tanh().mul(options.sensitivity).add(1.0).mul(options.base_rate).clamp_max(1.0);
  return at::where(ratios.gt(1.0), rates, at::zeros_like(rates));
}

/// Which features are kept, bool [B, M]: each with probability 1 - q_m; all of a sample that would have nothing left.
/// `present` is bool [B, M], or undefined when every sample has every modality.
[[nodiscard]] inline at::Tensor opm_kept(const at::Tensor& rates, std::int64_t num_samples, const at::Tensor& present) {
  const auto kept = at::rand({num_samples, rates.size(0)}, rates.options()).ge(rates);
  const auto left = present.defined() ? kept.logical_and(present) : kept;
  return kept.logical_or(left.any(1, /*keepdim=*/true).logical_not());
}

/// On-the-fly prediction modulation (OPM): the fusion has to do without the features of the modality that is ahead.
///
///     S_m = mean_i confidence(z_m, y)_i;  r_m = S_m / mean_{j != m} S_j
///     q_m = min(1, q_0 (1 + lambda tanh(r_m - 1))) if r_m > 1 else 0;  theta = sum_m D_m q_m / sum_m D_m
///     in a share p_exe of the batches: h_m[i] <- k_im h_m[i] / (1 - theta), k_im ~ Bernoulli(1 - q_m);  z = fuse(h)
///
/// The weakest modality has r <= 1 and stays, so that a sample can lose all that it has only where it lacks modalities;
/// such a one keeps its features. A modality that no sample of a batch has counts as the mean of the others, and its q
/// is 0, as is that of one that is alone.
/// Outputs::unimodal, features and encoded stay those of the whole sample. Added: stacked on `Supervised`. It owns the
/// forward hook; inference drops nothing.
///
/// Use when   one modality's features drown the others' in the fusion.
/// Shapes     needs the student's unimodal outputs z_m [B, C]; the authors split the weights of a linear head. Any
///            fusion; any M, and M = 1 drops nothing.
/// Cost       the readout, and one more pass through the fusion in the batches that drop. No sync.
/// Errors     ConfigError for options out of range.
/// Source     Wei et al. 2024 (TPAMI), and its published code.
/// Deviates   M > 2 and absent samples are ours (the mean over the others; BalanceBenchmark has their sum). The code
///            removes samples that have nothing left from the batch, which with complete samples never happens.
template <task::TaskPolicy Task>
class Opm {
 public:
  static constexpr Needs needs{.unimodal = true};

  explicit Opm(OpmOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (!(options_.base_rate >= 0.0 && options_.base_rate < 1.0)) {
      throw ConfigError(fmt::format("g2d: method::Opm: expected base_rate in [0, 1), got {}", options_.base_rate));
    }
    if (!(options_.sensitivity >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Opm: expected sensitivity >= 0, got {}", options_.sensitivity));
    }
    if (!(options_.batch_share >= 0.0 && options_.batch_share <= 1.0)) {
      throw ConfigError(fmt::format("g2d: method::Opm: expected batch_share in [0, 1], got {}", options_.batch_share));
    }
  }

  void forward(const StepContext& context, Outputs& outputs) {
    if (context.epoch < options_.warm_up_epochs || !drops_in(context)) return;
    const auto rates = this->rates(context, outputs);
    const auto kept = opm_kept(rates, context.batch.size(), context.batch.present);
    const auto factor = share_dropped(rates, outputs.encoded).neg().add(1.0).reciprocal();
    PerModality<at::Tensor> features;
    for (std::size_t m = 0; m < outputs.encoded.size(); ++m) {
      const auto& whole = outputs.encoded[m];
      const auto scales = kept.select(1, static_cast<std::int64_t>(m)).mul(factor).to(whole.scalar_type());
      features.push_back(whole.mul(scales.unsqueeze(1)));
    }
    outputs.fused = context.student->fuse(features).logits;
  }

 private:
  [[nodiscard]] bool drops_in(const StepContext& context) const {
    SampleRandom random({.seed = options_.seed, .epoch = context.epoch, .sample_id = context.step});
    return random.uniform() < options_.batch_share;
  }

  /// q [M].
  [[nodiscard]] at::Tensor rates(const StepContext& context, const Outputs& outputs) const {
    const auto rates = opm_rates(detail::mean_confidences(task_, context.batch, outputs), options_);
    if (!context.batch.present.defined()) return rates;
    const auto is_there = context.batch.present.any(0);
    // Rounding alone may put one ahead of its own mean.
    return rates.mul(is_there).mul(is_there.sum().gt(1));
  }

  /// theta
  [[nodiscard]] static at::Tensor share_dropped(const at::Tensor& rates, ModalitySpan<at::Tensor> features) {
    std::int64_t total = 0;
    for (const auto& x : features) total += x.size(1);
    auto share = at::zeros_like(rates.select(0, 0));
    for (std::size_t m = 0; m < features.size(); ++m) {
      const auto width = static_cast<double>(features[m].size(1)) / static_cast<double>(total);
      share = share.add(rates.select(0, static_cast<std::int64_t>(m)), width);
    }
    return share;
  }

  OpmOptions options_;
  Task task_;
};

}  // namespace g2d::method
