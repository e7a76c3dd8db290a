// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace g2d {

/// Parameters that are updated, scaled and frozen together.
struct ParameterGroup {
  enum class Role {
    Encoder,  ///< One encoder; of several modalities when they share it.
    Head,     ///< The part of the fusion that belongs to one modality.
    Shared,   ///< What belongs to no modality: the rest of the fusion, readouts, connectors.
  };

  std::string name;
  Role role = Role::Shared;
  std::vector<std::size_t> modalities;
  std::vector<at::Tensor> parameters;
  double learning_rate_factor = 1.0;

  [[nodiscard]] bool serves(std::size_t modality) const {
    return std::find(modalities.begin(), modalities.end(), modality) != modalities.end();
  }
};

}  // namespace g2d
