// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

#include <g2d/core/parameter_group.hpp>

namespace g2d::suppression {

/// Which parameters of a modality a policy touches. Default: all parameters of its encoder.
///
/// "Convolutions" are tensors of four dimensions, the weights of 2-D convolutions: that is how the authors' code finds
/// them. The weight of a 1-D convolution has three dimensions, as has a table of positions, and is not one of them. An
/// encoder without any 2-D convolution has nothing for such a filter, and methods refuse it.
struct ParameterFilter {
  bool convolutions_only = false;  ///< Only tensors of four dimensions: `official_filter`.
  bool with_head = false;          ///< Also the modality's own head in the fusion.

  [[nodiscard]] constexpr bool admits(std::int64_t dimensions) const { return !convolutions_only || dimensions == 4; }

  /// Whether the group is one of modality m that is touched at all.
  [[nodiscard]] bool reaches(const ParameterGroup& group, std::size_t m) const {
    using Role = ParameterGroup::Role;
    return group.serves(m) && (group.role == Role::Encoder || (with_head && group.role == Role::Head));
  }

  friend constexpr bool operator==(const ParameterFilter&, const ParameterFilter&) = default;
};

/// The authors' filter, and that of OGM's: the weights of 2-D convolutions alone, not even norm weights beside them.
[[nodiscard]] constexpr ParameterFilter official_filter() { return {.convolutions_only = true}; }

}  // namespace g2d::suppression
