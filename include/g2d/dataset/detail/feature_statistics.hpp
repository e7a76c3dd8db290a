// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/transform/standardize.hpp>

namespace g2d::dataset::detail {

/// Mean and deviation of each feature over steps that come part by part (Chan, Golub, LeVeque 1979).
class FeatureStatistics {
 public:
  /// steps: [T, D] floating, T > 0. Errors: DataError naming `sample` unless it has as many features as those before.
  void add(const at::Tensor& steps, std::string_view sample) {
    if (mean_.defined() && steps.size(1) != mean_.size(0)) {
      throw DataError(fmt::format("g2d: sample \"{}\": expected {} features as in the samples before, got {}", sample,
                                  mean_.size(0), steps.size(1)));
    }
    const auto values = steps.to(at::kDouble);
    const auto mean = values.mean(0);
    const auto squares = (values - mean).square_().sum(0);
    const auto count = static_cast<double>(values.size(0));
    if (!mean_.defined()) {
      mean_ = mean;
      squares_ = squares;
      count_ = count;
      return;
    }
    const auto total = count_ + count;
    const auto distance = mean - mean_;
    mean_ += distance * (count / total);
    squares_ += squares + distance.square() * (count_ * count / total);
    count_ = total;
  }

  /// A feature that is constant gets the deviation 1. Errors: DataError naming `what` when nothing was added, or all
  /// are constant.
  [[nodiscard]] transform::Standardize standardize(std::string_view what) const {
    if (!mean_.defined()) throw DataError(fmt::format("g2d: {}: expected training samples to measure, got none", what));
    constexpr double smallest_relative_deviation = 1e-9;  // below it, the deviation is what rounding left over
    const auto deviation = (squares_ / count_).sqrt();
    const auto is_constant = deviation <= smallest_relative_deviation * mean_.abs();
    if (is_constant.all().item<bool>()) {
      throw DataError(fmt::format("g2d: {}: expected values that vary, got the same in all {} training steps", what,
                                  static_cast<std::int64_t>(count_)));
    }
    return {mean_, deviation.masked_fill(is_constant, 1)};
  }

 private:
  at::Tensor mean_;
  at::Tensor squares_;
  double count_ = 0;
};

}  // namespace g2d::dataset::detail
