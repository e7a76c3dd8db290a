// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <utility>

#include <g2d/core/device_constant.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::task {

struct RegressionOptions {
  /// sigma^2 > 0 of the targets that the loss sees: biased, pooled over samples and outputs.
  double target_variance = 1.0;
  at::Tensor mean = {};       ///< [C]: subtracted from the targets. Undefined: the targets are used as they are.
  at::Tensor deviation = {};  ///< [C]: divides the targets. Undefined together with mean.
};

/// One or several real values.
///
///     loss = mean over B and C of (output - target')^2      confidence_i = exp(-MSE_i / (2 sigma^2))
///
/// with target' = (target - mean) / deviation, the targets that the loss sees.
///
/// Use when   the target is a number, or several. `standardized` fits mean and deviation to a training split.
/// Shapes     output, target: [B, C]; loss: scalar; confidence: [B].
/// Dtype      floating, float64 targets also beside narrower outputs; one device; no transfers, but for mean and
///            deviation once for each device and dtype.
/// Units      loss: squares of standard deviations, or of the target's unit without standardisation; `in_target_unit`
///            brings an output back to the unit of the target.
/// Cost       O(B C).
/// Errors     ConfigError for a variance that is not positive; ShapeError for a wrong rank, width or dtype; DataError
///            for host targets that are not finite. Targets on an accelerator are not read in a step; `Trainer::fit`
///            checks the whole dataset once.
/// Source     loss: arXiv:2506.21514; confidence: ours, the paper gives none.
/// Reference  g2d/reference/task/regression.hpp
class Regression {
 public:
  static constexpr OutputKind output_kind = OutputKind::Values;

  explicit Regression(RegressionOptions options = {})
      : options_(std::move(options)), mean_(options_.mean), deviation_(options_.deviation) {
    if (!(options_.target_variance > 0.0) || !std::isfinite(options_.target_variance)) {
      throw ConfigError(
          fmt::format("g2d: task::Regression: expected target_variance > 0, got {}; are all targets equal?",
                      options_.target_variance));
    }
  }

  /// Mean and biased deviation of each output over the training targets [N, C]; an output that never varies keeps
  /// deviation 1, and lowers the pooled variance: one of two leaves 1/2. Errors: DataError for targets that are not
  /// finite.
  /// Mean and deviation are float64: targets with a large offset, such as seconds since 1970, keep their differences.
  [[nodiscard]] static Regression standardized(const at::Tensor& training_targets) {
    check_matrix(training_targets, -1, -1, "task::Regression: training targets");
    check_finite(training_targets, "training targets");
    const auto targets = training_targets.to(at::kDouble);
    // By the extremes: the deviation of equal values may be more than 0 by rounding.
    const auto varies = targets.amax(0).gt(targets.amin(0));
    const auto deviation = targets.std(0, /*unbiased=*/false);
    const double pooled_variance = varies.to(at::kDouble).mean().item<double>();
    return Regression({.target_variance = pooled_variance > 0.0 ? pooled_variance : 1.0,
                       .mean = targets.mean(0),
                       .deviation = at::where(varies, deviation, deviation.new_ones({}))});
  }

  [[nodiscard]] at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const {
    return at::mse_loss(output, seen(target, output), at::Reduction::Mean);
  }

  [[nodiscard]] at::Tensor sample_losses(const at::Tensor& output, const at::Tensor& target) const {
    return at::mse_loss(output, seen(target, output), at::Reduction::None).mean(1);
  }
  [[nodiscard]] at::Tensor sample_weights(const at::Tensor& output, const at::Tensor& target) const {
    return at::ones({target.size(0)}, output.options().requires_grad(false));
  }

  [[nodiscard]] at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const {
    return sample_losses(output.detach(), target).mul(-1.0 / (2.0 * options_.target_variance)).exp();
  }

  void check(std::int64_t num_outputs, const at::Tensor& target) const {
    check_matrix(target, -1, num_outputs, "task::Regression: target");
    if (!target.is_floating_point()) {
      throw ShapeError(fmt::format("g2d: task::Regression: expected a floating target, got {}",
                                   c10::toString(target.scalar_type())));
    }
    if (target.is_cpu()) check_finite(target, "targets");
  }

  /// In the dtype of `mean`, so that no digit of a large offset is lost.
  [[nodiscard]] at::Tensor in_target_unit(const at::Tensor& output) const {
    if (!mean_.defined()) return output;
    const auto exact = output.to(options_.mean.scalar_type());
    return exact.mul(deviation_.like(exact)).add(mean_.like(exact));
  }

  [[nodiscard]] const RegressionOptions& options() const { return options_; }

 private:
  static void check_finite(const at::Tensor& targets, const char* what) {
    if (!at::isfinite(targets).all().item<bool>()) {
      throw DataError(fmt::format("g2d: task::Regression: expected finite {}, got NaN or infinity", what));
    }
  }

  /// Standardised in the target's own dtype; float64 is only then rounded to the output's.
  [[nodiscard]] at::Tensor seen(const at::Tensor& target, const at::Tensor& output) const {
    const auto seen = mean_.defined() ? target.sub(mean_.like(target)).div(deviation_.like(target)) : target;
    return seen.scalar_type() == at::kDouble ? seen.to(output.scalar_type()) : seen;
  }

  RegressionOptions options_;
  DeviceConstant mean_;
  DeviceConstant deviation_;
};

static_assert(TaskPolicy<Regression> && SplitsBySample<Regression>);

}  // namespace g2d::task
