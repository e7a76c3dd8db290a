// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// y = x W^T + b.
///
/// Shapes     x [B, in]; weight [out, in]; bias [out]; y [B, out].
struct Linear {
  Matrix weight;
  RowVector bias;

  [[nodiscard]] Matrix forward(const Matrix& input) const { return (input * weight.transpose()).rowwise() + bias; }

  /// dL/dx = dL/dy W.
  [[nodiscard]] Matrix input_gradient(const Matrix& output_gradient) const { return output_gradient * weight; }

  /// dL/dW = (dL/dy)^T x and dL/db = the column sums of dL/dy, in the form of a layer.
  [[nodiscard]] Linear parameter_gradient(const Matrix& input, const Matrix& output_gradient) const {
    return {output_gradient.transpose() * input, output_gradient.colwise().sum()};
  }
};

}  // namespace g2d::reference
