// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/linear.hpp>

namespace g2d::reference::train {

/// Stochastic gradient descent with momentum and weight decay in the gradient; g the gradient, v the velocity, 0 at
/// first:
///
///     v     <- mu v + g + lambda theta
///     theta <- theta - eta v
struct Sgd {
  double learning_rate = 1e-3;  ///< eta
  double momentum = 0.0;        ///< mu
  double weight_decay = 0.0;    ///< lambda

  void update(Linear& layer, Linear& velocity, const Linear& gradient) const {
    velocity.weight = momentum * velocity.weight + gradient.weight + weight_decay * layer.weight;
    velocity.bias = momentum * velocity.bias + gradient.bias + weight_decay * layer.bias;
    layer.weight -= learning_rate * velocity.weight;
    layer.bias -= learning_rate * velocity.bias;
  }
};

}  // namespace g2d::reference::train
