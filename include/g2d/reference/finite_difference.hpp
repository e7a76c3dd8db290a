// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// The gradient of any double function of a matrix, by central differences, entry by entry:
///
///     df/dx_ij ~ (f(x + h e_ij) - f(x - h e_ij)) / 2h
///
/// Error      of the order h^2 from the formula and |f| 1e-16 / h from rounding: with the default step about 1e-10.
/// Cost       two evaluations of `function` for each entry.
template <class Function>
[[nodiscard]] Matrix finite_difference(const Function& function, const Matrix& at, double step = 1e-5) {
  Matrix gradient(at.rows(), at.cols());
  Matrix moved = at;
  for (Eigen::Index column = 0; column < at.cols(); ++column) {
    for (Eigen::Index row = 0; row < at.rows(); ++row) {
      moved(row, column) = at(row, column) + step;
      const double above = function(moved);
      moved(row, column) = at(row, column) - step;
      const double below = function(moved);
      moved(row, column) = at(row, column);
      gradient(row, column) = (above - below) / (2.0 * step);
    }
  }
  return gradient;
}

/// How far a closed-form gradient is from the finite differences of its function: the largest entry of
/// |gradient - difference| / max(1, |difference|). A correct gradient of a smooth function stays below 1e-7; an entry
/// that is not a number gives infinity.
///
/// Errors     ShapeError if `gradient` has another shape than `at`.
template <class Function>
[[nodiscard]] double gradient_error(const Function& function, const Matrix& at, const Matrix& gradient,
                                    double step = 1e-5) {
  detail::check_shape(gradient, at.rows(), at.cols(), "gradient_error: gradient");
  const Matrix difference = finite_difference(function, at, step);
  double largest = 0.0;
  for (Eigen::Index i = 0; i < at.size(); ++i) {
    const double numeric = difference.data()[i];
    const double error = std::abs(gradient.data()[i] - numeric) / std::max(1.0, std::abs(numeric));
    largest = std::isnan(error) ? std::numeric_limits<double>::infinity() : std::max(largest, error);
  }
  return largest;
}

}  // namespace g2d::reference
