// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include <g2d/core/error.hpp>

namespace g2d::dataset {

/// The affine map to mean 0 and standard deviation 1 over a training split, to be used on every split.
struct Standardization {
  double mean = 0;
  double deviation = 1;

  /// (values - mean) / deviation.
  [[nodiscard]] at::Tensor operator()(const at::Tensor& values) const { return (values - mean) / deviation; }
};

/// Mean and (biased) standard deviation over all elements.
///
/// Errors     DataError naming `what` when the values are constant or not finite.
[[nodiscard]] inline Standardization measure_standardization(const at::Tensor& train, std::string_view what) {
  const auto values = train.to(at::kDouble);
  const Standardization measured{values.mean().item<double>(), values.std(/*unbiased=*/false).item<double>()};
  if (!std::isfinite(measured.deviation) || measured.deviation <= 1e-9 * std::abs(measured.mean)) {
    throw DataError(fmt::format(
        "g2d: dataset::measure_standardization: {}: expected finite values that vary, got mean {} and deviation {}",
        what, measured.mean, measured.deviation));
  }
  return measured;
}

}  // namespace g2d::dataset
