// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/interop/torch_eigen.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::interop {

/// Gives a reference fusion the weights of a fusion: its layers in the order of `parameters`, weight before bias.
///
/// Errors     ConfigError when there are not two parameters for each layer.
template <reference::FusionPolicy Reference>
void copy_layers(const Parameters& parameters, Reference& reference) {
  const auto layers = reference.layers();
  if (parameters.size() != 2 * layers.size()) {
    throw ConfigError(
        fmt::format("g2d: interop::copy_layers: expected a weight and a bias for each of {} layers, got {} tensors",
                    layers.size(), parameters.size()));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) {
    *layers[i] = to_linear(parameters[2 * i].value, parameters[2 * i + 1].value);
  }
}

}  // namespace g2d::interop
