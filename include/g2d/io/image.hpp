// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/io/detail/file_bytes.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/jpeg.hpp>
#include <g2d/io/detail/png.hpp>
#include <g2d/io/read_warnings.hpp>

namespace g2d::io {

/// Settings of read_image.
struct ImageOptions {
  std::int64_t channels = 3;                         ///< 3: red, green, blue; 1: grey.
  std::int64_t max_pixels = std::int64_t{1} << 26U;  ///< A larger image is refused before memory is asked for.
};

namespace detail {

/// float32 [H, W, 3] to [channels, H, W]. Grey is the luma of ITU-R BT.601, and the value itself of equal channels.
inline at::Tensor deep_planes(const at::Tensor& pixels, std::int64_t channels) {
  const auto planes = pixels.permute({2, 0, 1});
  if (channels == 3) return planes.contiguous();
  const auto red = planes.select(0, 0);
  const auto green = planes.select(0, 1);
  const auto blue = planes.select(0, 2);
  return green.add(red.sub(green), 0.299).add(blue.sub(green), 0.114).unsqueeze(0);
}

/// uint8 [H, W, 3], whose pixels may lie apart, to [3, H, W].
inline at::Tensor colour_planes(const at::Tensor& pixels) {
  const auto count = pixels.size(0) * pixels.size(1);
  const auto step = pixels.stride(1);
  auto planes = at::empty({3, pixels.size(0), pixels.size(1)}, at::kByte);
  const auto* pixel = pixels.const_data_ptr<std::uint8_t>();
  auto* plane = planes.mutable_data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i, pixel += step, ++plane) {
    plane[0] = pixel[0];
    plane[count] = pixel[1];
    plane[2 * count] = pixel[2];
  }
  return planes;
}

/// [H, W, 3] to [1, H, W]: the luma of ITU-R BT.601 in the 16-bit integers of Pillow's convert("L").
inline at::Tensor grey_plane(const at::Tensor& pixels) {
  constexpr std::uint32_t red = 19595;
  constexpr std::uint32_t green = 38470;
  constexpr std::uint32_t blue = 7471;
  constexpr std::uint32_t half = 1U << 15U;
  const auto count = pixels.size(0) * pixels.size(1);
  const auto step = pixels.stride(1);
  auto plane = at::empty({1, pixels.size(0), pixels.size(1)}, at::kByte);
  const auto* pixel = pixels.const_data_ptr<std::uint8_t>();
  auto* grey = plane.mutable_data_ptr<std::uint8_t>();
  for (std::int64_t i = 0; i < count; ++i, pixel += step) {
    grey[i] = static_cast<std::uint8_t>((red * pixel[0] + green * pixel[1] + blue * pixel[2] + half) >> 16U);
  }
  return plane;
}

}  // namespace detail

/// Reads a JPEG or PNG, told apart by content, as Pillow's `Image.open(path).convert("RGB")`, or `convert("L")` for one
/// channel, gives it.
///
/// JPEG       accurate DCT and smooth upsampling; CMYK is refused; a truncated file is refused, not filled up.
/// PNG        palettes and grey of 1 to 8 bits become colours; alpha is left out, so that a transparent pixel shows the
///            colour behind it. 16 bits, as of depth maps, are kept: float32 on the scale 0...255 (value / 257). With
///            alpha or a colour space (sRGB, gAMA, iCCP, cICP) they are rounded to 8, which is counted as a warning.
///            Colours of another gamma than sRGB's become sRGB, which Pillow leaves undone.
/// Both       a rotation noted in EXIF is not applied.
/// Shapes     out: uint8 [channels, H, W]; float32 for a PNG whose 16 bits are kept.
/// Threads    safe; each thread keeps one decoder.
/// Warnings   what libjpeg and libpng read with a warning is read, and counted by io::read_warnings().
/// Errors     DataError naming the file and the reason; ConfigError for other channels.
[[nodiscard]] inline at::Tensor read_image(const std::filesystem::path& path, const ImageOptions& options = {}) {
  using namespace std::string_view_literals;
  constexpr auto where = "io::read_image"sv;
  constexpr std::int64_t largest_file = std::int64_t{1} << 28U;
  if (options.channels != 1 && options.channels != 3) {
    throw ConfigError(fmt::format("g2d: {}: expected 1 or 3 channels, got {}", where, options.channels));
  }
  auto bytes = detail::read_file(where, path, largest_file);
  return detail::naming_the_file(where, path, [&] {
    const bool is_jpeg = bytes.starts_with("\xFF\xD8\xFF"sv);
    if (!is_jpeg && !bytes.starts_with("\x89PNG\r\n\x1A\n"sv)) {
      throw detail::Malformed("expected a JPEG or PNG, got another format");
    }
    const auto [pixels, warning] =
        is_jpeg ? detail::decode_jpeg(bytes, options.max_pixels) : detail::decode_png(bytes, options.max_pixels);
    if (!warning.empty()) read_warnings().add(is_jpeg ? "JPEG with a warning" : "PNG with a warning", path, warning);
    if (pixels.is_floating_point()) return detail::deep_planes(pixels, options.channels);
    return options.channels == 3 ? detail::colour_planes(pixels) : detail::grey_plane(pixels);
  });
}

}  // namespace g2d::io
