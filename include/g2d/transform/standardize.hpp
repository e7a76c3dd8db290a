// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/detail/describe_values.hpp>

namespace g2d::transform {

/// Shifts and scales values to mean 0 and standard deviation 1, by statistics of the training split.
///
///     y = (x - mean) / deviation
///
/// Shapes     any to which the statistics can be expanded; kept.
/// Dtype      floating; kept. Statistics are double; where they are per feature, so is the computation.
/// Errors     ConfigError unless mean and deviation have one shape and deviations are positive; ShapeError unless they
///            fit the floating point values.
class Standardize {
 public:
  Standardize(const at::Tensor& mean, const at::Tensor& deviation)
      : mean_(mean.to(at::kCPU, at::kDouble)), deviation_(deviation.to(at::kCPU, at::kDouble)) {
    if (mean_.sizes() != deviation_.sizes() || !deviation_.gt(0).all().item<bool>()) {
      throw ConfigError(fmt::format(
          "g2d: transform::Standardize: expected a positive deviation for each mean, got means {} and deviations {}",
          detail::describe_values(mean_), detail::describe_values(deviation_)));
    }
  }

  /// Mean and (biased) deviation over the dimensions `over` of training samples [N, ...]; 0 must be among them.
  ///
  ///     fit(waveforms, {0, 1})           one mean for all of [N, L]
  ///     fit(spectrograms, {0, 1, 3})     one for each frequency of [N, 1, F, T]
  ///     fit(steps, {0})                  one for each feature of sequences, joined to [T_1 + ... + T_N, D]
  ///
  /// A feature that is constant gets the deviation 1, so that it becomes 0 on the training split.
  ///
  /// Errors     ShapeError unless the samples have the dimensions; DataError when they are not finite or all
  ///            features are constant.
  [[nodiscard]] static Standardize fit(const at::Tensor& samples, at::IntArrayRef over) {
    const auto is_dimension = [&](std::int64_t dimension) { return dimension >= 0 && dimension < samples.dim(); };
    if (!samples.defined() || samples.numel() == 0 || std::find(over.begin(), over.end(), 0) == over.end() ||
        !std::all_of(over.begin(), over.end(), is_dimension)) {
      throw ShapeError(fmt::format(
          "g2d: transform::Standardize::fit: expected samples [N, ...] and dimensions of theirs that include 0, "
          "got {} and {}",
          samples.defined() ? to_string(samples.sizes()) : "no tensor", to_string(over)));
    }
    const auto values = samples.to(at::kDouble);
    const auto mean = values.mean(over, /*keepdim=*/true).squeeze(0);
    const auto deviation = values.std(over, /*unbiased=*/false, /*keepdim=*/true).squeeze(0);
    if (!deviation.isfinite().all().item<bool>()) {
      throw DataError(
          "g2d: transform::Standardize::fit: expected finite values, got NaN or infinity; apply ReplaceNonFinite "
          "first");
    }
    constexpr double smallest_relative_deviation = 1e-9;  // below it, the deviation is what rounding left over
    const auto is_constant = deviation.le(mean.abs().mul(smallest_relative_deviation));
    if (is_constant.all().item<bool>()) {
      throw DataError(
          fmt::format("g2d: transform::Standardize::fit: expected values that vary, got {} samples with mean {} and "
                      "deviation {}",
                      samples.size(0), detail::describe_values(mean), detail::describe_values(deviation)));
    }
    return {mean, deviation.masked_fill(is_constant, 1)};
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& values) const {
    detail::check_floating(values, "transform::Standardize");
    if (!fits(values.sizes())) {
      throw ShapeError(fmt::format("g2d: transform::Standardize: expected values to which statistics {} fit, got {}",
                                   to_string(mean_.sizes()), to_string(values.sizes())));
    }
    return values.sub(mean_.to(values.device())).div(deviation_.to(values.device())).to(values.scalar_type());
  }

  [[nodiscard]] const at::Tensor& mean() const { return mean_; }
  [[nodiscard]] const at::Tensor& deviation() const { return deviation_; }

  [[nodiscard]] std::string description() const {
    return fmt::format("standardize mean {} deviation {}", detail::describe_values(mean_),
                       detail::describe_values(deviation_));
  }

 private:
  [[nodiscard]] bool fits(at::IntArrayRef sizes) const {
    const auto statistics = mean_.sizes();
    return statistics.size() <= sizes.size() &&
           std::equal(statistics.rbegin(), statistics.rend(), sizes.rbegin(),
                      [](std::int64_t statistic, std::int64_t size) { return statistic == 1 || statistic == size; });
  }

  at::Tensor mean_;
  at::Tensor deviation_;
};

static_assert(TransformPolicy<Standardize>);

}  // namespace g2d::transform
