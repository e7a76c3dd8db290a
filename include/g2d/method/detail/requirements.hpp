// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/method/context.hpp>

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

/// Refuses a single modality, for a method that compares modalities.
inline void check_several_modalities(const Setup& setup, std::string_view where) {
  if (setup.names.size() > 1) return;
  throw ConfigError(
      fmt::format("g2d: {}: expected at least 2 modalities, got only \"{}\"; there is nothing to balance, train "
                  "with method::JointTraining",
                  where, setup.names[0]));
}

}  // namespace g2d::method::detail
