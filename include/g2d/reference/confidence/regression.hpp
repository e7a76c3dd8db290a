// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::confidence {

/// sigma^2 = the biased variance of the targets, pooled over samples and outputs.
[[nodiscard]] inline double target_variance(const Matrix& targets) {
  return (targets.array() - targets.mean()).square().mean();
}

/// rho = 1/N sum_i exp(-MSE_i / (2 sigma^2)), MSE_i the mean over the outputs of sample i.
///
/// Shapes     teacher predictions and targets [N, C].
/// Errors     ShapeError if they differ in shape; ConfigError unless sigma^2 > 0.
/// Source     ours: the paper gives no confidence for regression.
[[nodiscard]] inline double regression(const Matrix& predictions, const Matrix& targets, double variance) {
  detail::check_shape(targets, predictions.rows(), predictions.cols(), "confidence::regression: targets");
  detail::check_positive(variance, "target variance", "confidence::regression");
  const Eigen::VectorXd error = (predictions - targets).array().square().rowwise().mean();
  return (-error.array() / (2.0 * variance)).exp().mean();
}

}  // namespace g2d::reference::confidence
