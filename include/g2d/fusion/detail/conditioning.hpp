// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/fusion/conditioning_options.hpp>
#include <g2d/fusion/fusion_shape.hpp>

namespace g2d::fusion::detail {

[[nodiscard]] inline std::size_t conditioning_index(const FusionShape& shape, const ConditioningOptions& options,
                                                    std::string_view where) {
  if (shape.num_modalities() < 2) {
    throw ConfigError(fmt::format("g2d: {}: expected at least 2 modalities, for one conditions the others, got 1 ({})",
                                  where, shape.names().joined()));
  }
  return options.conditioning.empty() ? 0 : shape.names().index_of(options.conditioning);
}

/// The one width of all modalities but the conditioning one.
[[nodiscard]] inline std::int64_t conditioned_width(const FusionShape& shape, std::size_t conditioning,
                                                    std::string_view where) {
  const std::size_t first = conditioning == 0 ? 1 : 0;
  for (std::size_t m = 0; m < shape.num_modalities(); ++m) {
    if (m != conditioning && shape.feature_width(m) != shape.feature_width(first)) {
      throw ConfigError(fmt::format(
          "g2d: {}: modality \"{}\": expected the feature width {} of \"{}\", got {}; give the encoders one width",
          where, shape.names()[m], shape.feature_width(first), shape.names()[first], shape.feature_width(m)));
    }
  }
  return shape.feature_width(first);
}

}  // namespace g2d::fusion::detail
