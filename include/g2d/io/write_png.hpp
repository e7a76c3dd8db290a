// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <png.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/png.hpp>

namespace g2d::io {

/// Writes an image without loss; the file appears whole or not at all.
///
/// Shapes     in: uint8 [3, H, W] or [1, H, W], neither H nor W 0, on any device.
/// Errors     ShapeError for other tensors; DataError when the file cannot be written.
inline void write_png(const std::filesystem::path& path, const at::Tensor& image) {
  constexpr std::string_view where = "io::write_png";
  const bool fits = image.defined() && image.scalar_type() == at::kByte && image.dim() == 3 && image.numel() > 0 &&
                    (image.size(0) == 1 || image.size(0) == 3);
  if (!fits) {
    throw ShapeError(fmt::format(
        "g2d: {}: expected uint8 [3, H, W] or [1, H, W], got {}", where,
        image.defined() ? fmt::format("{} {}", c10::toString(image.scalar_type()), g2d::to_string(image.sizes()))
                        : "no tensor"));
  }
  const auto pixels = image.cpu().permute({1, 2, 0}).contiguous().resolve_neg();
  detail::PngImage png;
  png.height = static_cast<png_uint_32>(image.size(1));
  png.width = static_cast<png_uint_32>(image.size(2));
  png.format = image.size(0) == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  const auto written = detail::naming_the_file(where, path, [&] {
    std::vector<std::uint8_t> bytes(PNG_IMAGE_PNG_SIZE_MAX(png));
    png_alloc_size_t size = bytes.size();
    png.check(png_image_write_to_memory(&png, bytes.data(), &size, /*convert_to_8_bit=*/0, pixels.const_data_ptr(),
                                        /*row_stride=*/0, /*colormap=*/nullptr));
    bytes.resize(size);
    return bytes;
  });
  AtomicFile file(path);
  file.write(written.data(), written.size());
  file.commit();
}

}  // namespace g2d::io
