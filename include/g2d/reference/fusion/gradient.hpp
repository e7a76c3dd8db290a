// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <g2d/reference/linear.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::fusion {

/// The gradient of a loss with respect to a fusion's input features and its layers, these in the order of `layers()`.
struct Gradient {
  PerModality features;
  std::vector<Linear> layers;
};

}  // namespace g2d::reference::fusion
