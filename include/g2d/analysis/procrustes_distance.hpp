// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_svdvals.h>

#include <algorithm>

#include <g2d/analysis/detail/matrices.hpp>

namespace g2d::analysis {

/// Squared orthogonal Procrustes distance: what is left between two sets of features after the best rotation or
/// reflection.
///
///     d^2 = min_{Q^T Q = 1} ||X Q - Y||_F^2 = 2 - 2 ||X^T Y||_*,  X, Y centred and of Frobenius norm 1
///
/// The narrower side is thought of as filled up with zeros, which changes no singular value.
///
/// Shapes     x [N, D1], y [N, D2], rows of the same samples; widths may differ.
/// Gives      a value in [0, 2]: 0 for y = c x Q + t; 2 when no direction of one side goes with any of the other, or
///            all rows of one side are equal.
/// Cost       in double; the singular values of one [D1, D2] matrix.
/// Errors     ShapeError for other shapes or fewer than 2 samples.
/// Source     Ding et al. 2021, arXiv:2108.01661. `scipy.spatial.procrustes` also fits a scale and gives 1 - ||X^T
///            Y||_*^2.
[[nodiscard]] inline double procrustes_distance(const at::Tensor& x, const at::Tensor& y) {
  detail::check_pair(x, y, "analysis::procrustes_distance");
  const auto values = at::linalg_svdvals(detail::normalized(x).t().mm(detail::normalized(y)));
  return std::clamp(2.0 - 2.0 * values.sum().item<double>(), 0.0, 2.0);
}

}  // namespace g2d::analysis
