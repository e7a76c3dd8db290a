// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include <g2d/core/error.hpp>

namespace g2d::distillation {

struct KlOptions {
  double temperature = 1.0;  ///< tau > 0; the paper uses 1.
};

namespace detail {

inline void check_temperature(const KlOptions& options, std::string_view where) {
  if (!(options.temperature > 0.0) || !std::isfinite(options.temperature)) {
    throw ConfigError(fmt::format("g2d: {}: expected a temperature > 0, got {}", where, options.temperature));
  }
}

}  // namespace detail
}  // namespace g2d::distillation
