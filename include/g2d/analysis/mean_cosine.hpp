// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/where.h>

#include <cstdint>
#include <vector>

#include <g2d/analysis/detail/matrices.hpp>

namespace g2d::analysis {

/// The mean over samples of the cosine between a row of x and the same row of y: whether features point the same way,
/// axis by axis. Nothing is centred; what `distillation::Cosine` brings to 1.
///
///     mean_i  x_i . y_i / (||x_i|| ||y_i||)
///
/// Shapes     x, y [N, D], rows of the same samples, in one basis.
/// Gives      a value in [-1, 1], computed in double; a row of zeros counts as 0.
/// Errors     ShapeError for widths that differ, other shapes, or fewer than 2 samples.
[[nodiscard]] inline double mean_cosine(const at::Tensor& x, const at::Tensor& y) {
  detail::check_pair(x, y, "analysis::mean_cosine");
  check_matrix(y, x.size(0), x.size(1), "analysis::mean_cosine");
  const auto unit = [](const at::Tensor& features) {
    const auto values = features.detach().to(at::kDouble);
    const auto norms = at::linalg_vector_norm(values, 2, std::vector<std::int64_t>{1}, /*keepdim=*/true);
    return values.div(at::where(norms.gt(0), norms, norms.new_ones({})));
  };
  return unit(x).mul(unit(y)).sum(1).mean().item<double>();
}

}  // namespace g2d::analysis
