// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/task/concept.hpp>

namespace g2d::reference::task {

/// Mean squared error over all samples and outputs:
///
///     value    = 1/(B C) sum_ic (z_ic - y_ic)^2
///     gradient = 2/(B C) (z - y)
///
/// Shapes     predictions and targets [B, C].
/// Errors     ShapeError if they differ in shape.
struct Regression {
  using Target = Matrix;

  [[nodiscard]] double value(const Matrix& predictions, const Matrix& targets) const {
    check(predictions, targets);
    return (predictions - targets).squaredNorm() / static_cast<double>(predictions.size());
  }

  [[nodiscard]] Matrix gradient(const Matrix& predictions, const Matrix& targets) const {
    check(predictions, targets);
    return 2.0 / static_cast<double>(predictions.size()) * (predictions - targets);
  }

  void check(const Matrix& predictions, const Matrix& targets) const {
    detail::check_shape(targets, predictions.rows(), predictions.cols(), "task::Regression: targets");
  }
};

static_assert(TaskPolicy<Regression>);

}  // namespace g2d::reference::task
