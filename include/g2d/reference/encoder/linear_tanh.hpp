// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/linear.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::encoder {

/// The smallest encoder with a nonlinearity: h = tanh(x W^T + b).
///
/// Shapes     x [B, in]; h [B, D].
struct LinearTanh {
  Linear layer;

  [[nodiscard]] Matrix forward(const Matrix& input) const { return layer.forward(input).array().tanh(); }

  /// With tanh' = 1 - h^2: the gradient of the layer's parameters.
  [[nodiscard]] Linear backward(const Matrix& input, const Matrix& feature_gradient) const {
    const Matrix slope = 1.0 - forward(input).array().square();
    return layer.parameter_gradient(input, feature_gradient.cwiseProduct(slope));
  }
};

}  // namespace g2d::reference::encoder
