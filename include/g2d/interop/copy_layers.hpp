// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/interop/torch_eigen.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/linear.hpp>

namespace g2d::interop {

/// Gives a reference fusion the weights of a fusion: its layers in the order of `parameters`. A vector behind a weight
/// is its bias.
///
/// Errors     ConfigError when the parameters are those of more or fewer layers.
template <reference::FusionPolicy Reference>
void copy_layers(const Parameters& parameters, Reference& reference) {
  std::vector<reference::Linear> given;
  for (const auto& parameter : parameters) {
    if (parameter.value.dim() == 1 && !given.empty() && given.back().bias.size() == 0) {
      given.back().bias = to_matrix(parameter.value);
    } else {
      given.push_back({to_matrix(parameter.value), {}});
    }
  }
  const auto layers = reference.layers();
  if (given.size() != layers.size()) {
    throw ConfigError(fmt::format(
        "g2d: interop::copy_layers: expected a weight, with or without a bias, for each of {} layers, got {}",
        layers.size(), given.size()));
  }
  for (std::size_t i = 0; i < layers.size(); ++i) *layers[i] = given[i];
}

}  // namespace g2d::interop
