// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/method/context.hpp>
#include <g2d/suppression/parameter_filter.hpp>

namespace g2d::method::detail {

/// Refuses modalities that share an encoder, for a method that treats each one's parameters differently.
inline void check_own_encoders(const Setup& setup, std::string_view where) {
  if (setup.student == nullptr) return;
  for (const auto& group : setup.student->parameter_groups()) {
    if (group.role != ParameterGroup::Role::Encoder || group.modalities.size() < 2) continue;
    throw ConfigError(fmt::format(
        "g2d: {}: expected an encoder for each modality, got one that \"{}\" and \"{}\" share; give each its own",
        where, setup.names[group.modalities[0]], setup.names[group.modalities[1]]));
  }
}

/// Refuses a filter that admits nothing of some modality, whose gradients would be scaled in name only.
inline void check_filter(const Setup& setup, suppression::ParameterFilter filter, std::string_view where) {
  if (setup.student == nullptr) return;
  for (std::size_t m = 0; m < setup.names.size(); ++m) {
    std::vector<at::Tensor> reached;
    for (const auto& group : setup.student->parameter_groups()) {
      if (filter.reaches(group, m)) reached.insert(reached.end(), group.parameters.begin(), group.parameters.end());
    }
    if (std::any_of(reached.begin(), reached.end(), [&](const auto& p) { return filter.admits(p.dim()); })) continue;
    throw ConfigError(
        reached.empty()
            ? fmt::format("g2d: {}: expected parameters in the encoder of modality \"{}\", whose gradients are scaled, "
                          "got none; use an encoder that learns",
                          where, setup.names[m])
            : fmt::format("g2d: {}: expected 2-D convolutions in the encoder of modality \"{}\", for the filter admits "
                          "nothing else, got none among {} parameters; use a filter without convolutions_only",
                          where, setup.names[m], reached.size()));
  }
}

/// Refuses a single modality, for a method that compares modalities.
inline void check_several_modalities(const Setup& setup, std::string_view where) {
  if (setup.names.size() > 1) return;
  throw ConfigError(
      fmt::format("g2d: {}: expected at least 2 modalities, got only \"{}\"; there is nothing to balance, train "
                  "with method::JointTraining",
                  where, setup.names[0]));
}

}  // namespace g2d::method::detail
