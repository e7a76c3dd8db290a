// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <g2d/reference/types.hpp>

namespace g2d::reference::detail {

/// mean_{m != c} x_m, for matrices of one shape.
[[nodiscard]] inline Matrix mean_of_others(const PerModality& matrices, std::size_t c) {
  Matrix sum = Matrix::Zero(matrices[c == 0 ? 1 : 0].rows(), matrices[c == 0 ? 1 : 0].cols());
  for (std::size_t m = 0; m < matrices.size(); ++m) {
    if (m != c) sum += matrices[m];
  }
  return sum / static_cast<double>(matrices.size() - 1);
}

}  // namespace g2d::reference::detail
