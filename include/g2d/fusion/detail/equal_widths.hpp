// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/fusion/fusion_shape.hpp>

namespace g2d::fusion::detail {

inline void check_equal_widths(const FusionShape& shape, std::string_view where) {
  for (std::size_t m = 1; m < shape.num_modalities(); ++m) {
    if (shape.feature_width(m) != shape.feature_width(0)) {
      throw ConfigError(fmt::format(
          "g2d: {}: modality \"{}\": expected the feature width {} of \"{}\", got {}; give the encoders one width",
          where, shape.names()[m], shape.feature_width(0), shape.names()[0], shape.feature_width(m)));
    }
  }
}

}  // namespace g2d::fusion::detail
