// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <fmt/format.h>

#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::analysis::detail {

/// Throws ShapeError unless both are matrices of the same two rows or more.
inline void check_pair(const at::Tensor& x, const at::Tensor& y, std::string_view where) {
  check_matrix(x, -1, -1, where);
  check_matrix(y, x.size(0), -1, where);
  if (x.size(0) < 2) throw ShapeError(fmt::format("g2d: {}: expected at least 2 samples, got {}", where, x.size(0)));
}

/// In double, every column less its mean; exactly 0 where nothing but rounding is left.
[[nodiscard]] inline at::Tensor centered(const at::Tensor& x) {
  constexpr double rounding = 1e-12;
  const auto values = x.detach().to(at::kDouble);
  const auto rest = values.sub(values.mean(0, /*keepdim=*/true));
  const bool varies =
      at::linalg_vector_norm(rest).item<double>() > rounding * at::linalg_vector_norm(values).item<double>();
  return varies ? rest : rest.zero_();
}

/// Centred, and divided by its Frobenius norm; zeros when all rows are equal.
[[nodiscard]] inline at::Tensor normalized(const at::Tensor& x) {
  const auto rest = centered(x);
  const double norm = at::linalg_vector_norm(rest).item<double>();
  return norm > 0.0 ? rest.div(norm) : rest;
}

}  // namespace g2d::analysis::detail
