// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

#include <g2d/core/sample_random.hpp>

namespace g2d::transform {

/// Which part of a sample is kept.
enum class Place : std::uint8_t { Start, Center, Random };

[[nodiscard]] constexpr std::string_view name_of(Place place) {
  switch (place) {
    case Place::Start:
      return "start";
    case Place::Center:
      return "center";
    default:
      return "random";
  }
}

/// Where the part begins when `spare` positions are left over: 0 ... spare. Draws for Place::Random alone.
[[nodiscard]] inline std::int64_t offset(Place place, std::int64_t spare, SampleRandom& random) {
  switch (place) {
    case Place::Start:
      return 0;
    case Place::Center:
      return spare / 2;
    default:
      return random.below(spare + 1);
  }
}

}  // namespace g2d::transform
