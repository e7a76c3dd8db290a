// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_eigh.h>
#include <ATen/ops/zeros.h>

#include <cstdint>

namespace g2d::dataset::detail {

/// The principal components of rows that hold the most of their energy, and nothing else of the rows.
///
///     energy of a component = variance along it;   project(x) = mean + (x - mean) V V^T,   V: the components kept
struct LeadingComponents {
  at::Tensor mean;        ///< double [D].
  at::Tensor directions;  ///< double [D, K], orthonormal, the strongest first.
  double removed_energy;  ///< Share of the variance outside of them.

  /// float32 [N, D].
  [[nodiscard]] at::Tensor project(const at::Tensor& rows) const {
    const auto centred = rows.to(at::kDouble) - mean;
    return (centred.matmul(directions).matmul(directions.t()) + mean).to(at::kFloat);
  }
};

/// As few components as leave no more than `removed_energy` out, one at least. Shapes: rows [N, D], N > 1.
///
/// Cost       memory: D x D values and a few thousand rows in double.
[[nodiscard]] inline LeadingComponents fit_leading_components(const at::Tensor& rows, double removed_energy) {
  constexpr std::int64_t rows_at_once = 4096;
  const auto width = rows.size(1);
  const auto mean = rows.mean(0, /*keepdim=*/false, at::kDouble);
  auto scatter = at::zeros({width, width}, at::kDouble);
  for (const auto& part : rows.split(rows_at_once)) {
    const auto centred = part.to(at::kDouble) - mean;
    scatter += centred.t().matmul(centred);
  }
  const auto [energies, directions] = at::linalg_eigh(scatter);  // ascending
  const auto strongest_first = energies.flip(0).clamp_min(0);
  const auto outside = 1 - strongest_first.cumsum(0) / strongest_first.sum();
  std::int64_t kept = 1;
  while (kept < width && outside[kept - 1].item<double>() > removed_energy) ++kept;
  return {mean, directions.flip(1).narrow(1, 0, kept).contiguous(), outside[kept - 1].item<double>()};
}

}  // namespace g2d::dataset::detail
