// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cmath>

#include <g2d/metrics/metric.hpp>

namespace g2d::metrics {

/// RMSE, MAE and R^2, in the unit of the target; several outputs are pooled, R^2 against each output's own mean.
///
/// Shapes     output, target [N, C].
[[nodiscard]] inline Metrics regression(const at::Tensor& output, const at::Tensor& target) {
  const auto errors = output.sub(target).to(at::kDouble);
  const auto squares = errors.square();
  const auto spread = target.to(at::kDouble).sub(target.to(at::kDouble).mean(0)).square().sum().item<double>();
  const double r2 = spread > 0.0 ? 1.0 - squares.sum().item<double>() / spread : 0.0;
  return {{"rmse", std::sqrt(squares.mean().item<double>()), false},
          {"mae", errors.abs().mean().item<double>(), false},
          {"r2", r2, true}};
}

}  // namespace g2d::metrics
