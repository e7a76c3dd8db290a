// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>

#include <g2d/analysis/detail/matrices.hpp>

namespace g2d::analysis {

/// Linear centred kernel alignment: how alike two sets of features are, up to rotation, reflection and one scale.
///
///     CKA = ||X'^T Y'||_F^2 / (||X'^T X'||_F ||Y'^T Y'||_F),  X', Y' with every column centred
///
/// Shapes     x [N, D1], y [N, D2], rows of the same samples; widths may differ.
/// Gives      a value in [0, 1]: 1 for y = c x Q with Q^T Q = 1; 0 when all rows of either side are equal. With few
///            samples (N not far above the widths) it is biased upwards.
/// Cost       in double; through the [D, D] or the [N, N] products, whichever are smaller.
/// Errors     ShapeError for other shapes or fewer than 2 samples.
/// Source     Kornblith et al. 2019, arXiv:1905.00414.
[[nodiscard]] inline double linear_cka(const at::Tensor& x, const at::Tensor& y) {
  detail::check_pair(x, y, "analysis::linear_cka");
  const auto a = detail::normalized(x);
  const auto b = detail::normalized(y);
  const auto norm = [](const at::Tensor& product) { return at::linalg_vector_norm(product).item<double>(); };
  double shared = 0.0;
  double own = 0.0;
  if (a.size(0) < std::max(a.size(1), b.size(1))) {
    const auto k = a.mm(a.t());
    const auto l = b.mm(b.t());
    shared = k.mul(l).sum().item<double>();
    own = norm(k) * norm(l);
  } else {
    const double cross = norm(a.t().mm(b));
    shared = cross * cross;
    own = norm(a.t().mm(a)) * norm(b.t().mm(b));
  }
  return own > 0.0 ? shared / own : 0.0;
}

}  // namespace g2d::analysis
