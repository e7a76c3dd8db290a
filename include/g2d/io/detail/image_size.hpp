// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdint>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

/// Before anything is allocated for the pixels. Errors: Malformed.
inline void check_image_size(std::int64_t width, std::int64_t height, std::int64_t max_pixels) {
  if (width < 1 || height < 1) throw Malformed(fmt::format("expected at least one pixel, got {} x {}", height, width));
  if (height > max_pixels / width) {
    throw Malformed(
        fmt::format("expected at most {} pixels, got {} x {}; raise ImageOptions::max_pixels if that is right",
                    max_pixels, height, width));
  }
}

}  // namespace g2d::io::detail
