// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <png.h>

#include <cstddef>
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

/// Whether a chunk before the pixels names a colour space.
inline bool has_colour_space(std::string_view bytes) {
  using namespace std::string_view_literals;
  constexpr std::size_t signature = 8;
  constexpr std::size_t frame = 12;  // Length, type and checksum of a chunk.
  for (auto at = signature; at + frame <= bytes.size();) {
    const auto type = bytes.substr(at + 4, 4);
    if (type == "IDAT"sv) return false;
    if (type == "sRGB"sv || type == "gAMA"sv || type == "iCCP"sv || type == "cICP"sv) return true;
    std::size_t length = 0;
    for (const char byte : bytes.substr(at, 4)) length = length << 8U | static_cast<unsigned char>(byte);
    at += frame + length;
  }
  return false;
}

/// float32 [H, W, 3]: the 16-bit values as they lie in the file, divided by 257.
inline at::Tensor read_deep_pixels(PngImage& image) {
  image.format = PNG_FORMAT_LINEAR_RGB;
  auto pixels = at::empty({image.height, image.width, 3}, at::kUInt16);
  image.check(png_image_finish_read(&image, /*background=*/nullptr, pixels.mutable_data_ptr(), /*row_stride=*/0,
                                    /*colormap=*/nullptr));
  return pixels.to(at::kFloat).div_(257.0);
}

/// uint8 [H, W, 3].
inline at::Tensor read_byte_pixels(PngImage& image, bool has_alpha) {
  image.format = has_alpha ? PNG_FORMAT_RGBA : PNG_FORMAT_RGB;
  image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;
  auto pixels = at::empty({image.height, image.width, has_alpha ? 4 : 3}, at::kByte);
  image.check(png_image_finish_read(&image, /*background=*/nullptr, pixels.mutable_data_ptr(), /*row_stride=*/0,
                                    /*colormap=*/nullptr));
  return pixels.narrow(2, 0, 3);
}

/// [H, W, 3], see read_image, and a warning: empty where nothing is amiss. Errors: Malformed.
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
  const bool is_deep = (image.format & PNG_FORMAT_FLAG_LINEAR) != 0;
  const bool keeps_depth = is_deep && !has_alpha && !has_colour_space(bytes);
  auto pixels = keeps_depth ? read_deep_pixels(image) : read_byte_pixels(image, has_alpha);
  if ((image.warning_or_error & PNG_IMAGE_WARNING) != 0) return {pixels, image.message};
  if (is_deep && !keeps_depth) return {pixels, "16 bits with alpha or a colour space are rounded to 8"};
  return {pixels, ""};
}

}  // namespace g2d::io::detail
