// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string_view>

namespace g2d::transform {

/// What lies beyond both ends of a recording for the frames that reach over them.
enum class Padding : std::uint8_t {
  Zeros,    ///< Silence: librosa 0.9 and later.
  Reflect,  ///< The recording mirrored at its first and last sample: librosa before 0.9.
};

[[nodiscard]] constexpr std::string_view name_of(Padding padding) {
  return padding == Padding::Zeros ? "zeros" : "reflect";
}

}  // namespace g2d::transform
