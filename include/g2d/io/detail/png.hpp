// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <png.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/image_size.hpp>

namespace g2d::io::detail {

/// libpng's description of an image, with whatever it owns.
struct PngImage : png_image {
  PngImage() : png_image{} { version = PNG_IMAGE_VERSION; }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
  ~PngImage() { png_image_free(this); }

  /// Errors: Malformed.
  void check(int succeeded) const {
    if (succeeded == 0) throw Malformed(fmt::format("expected a sound PNG, got {}", message));
  }
};

/// uint8 [H, W, 3], see read_image, and what libpng warned of: empty for a sound file. Errors: Malformed.
inline std::pair<at::Tensor, std::string> decode_png(std::string_view bytes, std::int64_t max_pixels) {
  using namespace std::string_view_literals;
  // libpng is content once it has all rows.
  if (bytes.rfind("IEND\xAE\x42\x60\x82"sv) == std::string_view::npos) {
    throw Malformed("expected a PNG with an end, got none; the file is truncated");
  }
  PngImage image;
  image.check(png_image_begin_read_from_memory(&image, bytes.data(), bytes.size()));
  check_image_size(image.width, image.height, max_pixels);
  const bool has_alpha = (image.format & PNG_FORMAT_FLAG_ALPHA) != 0;
  image.format = has_alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  auto pixels = at::empty({image.height, image.width, has_alpha ? 4 : 3}, at::kByte);
  image.check(png_image_finish_read(&image, /*background=*/nullptr, pixels.mutable_data_ptr(), /*row_stride=*/0,
                                    /*colormap=*/nullptr));
  const bool is_warned = (image.warning_or_error & PNG_IMAGE_WARNING) != 0;
  return {pixels.narrow(2, 0, 3), is_warned ? image.message : ""};
}

}  // namespace g2d::io::detail
