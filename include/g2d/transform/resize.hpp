// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/_upsample_bilinear2d_aa.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform {

/// Scales an image to one size, with antialiasing: the triangle of the interpolation widens with the reduction.
///
///     y[i] = sum_j triangle((j + 1/2 - c_i) / s) x[j] / sum_j triangle((j + 1/2 - c_i) / s),
///     c_i  = (i + 1/2) in / out,  s = max(1, in / out),            along the width, then along the height
///
/// Shapes     in: [C, H, W]; out: [C, height, width]. The aspect ratio changes; ResizeShorterSide keeps it.
/// Dtype      uint8 or floating; kept. uint8 is computed in fixed point and rounded after each direction, as by Pillow.
/// Errors     ConfigError unless height and width are at least 2 (at::_upsample_bilinear2d_aa of LibTorch 2.13 gives
///            wrong pixels for a single column); ShapeError unless the sample is such an image.
/// Source     torchvision's Resize(antialias=True), and Pillow's Image.resize(..., BILINEAR) but for rounding.
struct Resize {
  std::int64_t height = 0;  ///< Pixels.
  std::int64_t width = 0;   ///< Pixels.

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image) const {
    if (height < 2 || width < 2) {
      throw ConfigError(
          fmt::format("g2d: transform::Resize: expected height and width >= 2, got {} and {}", height, width));
    }
    detail::check_image(image, "transform::Resize");
    if (image.scalar_type() != at::kByte && !image.is_floating_point()) {
      throw ShapeError(fmt::format(
          "g2d: transform::Resize: expected uint8 or floating point values, got {}; convert with ToFloat first",
          c10::toString(image.scalar_type())));
    }
    return at::_upsample_bilinear2d_aa(image.unsqueeze(0), at::IntArrayRef{height, width}, /*align_corners=*/false,
                                       /*scale_factors=*/std::nullopt)
        .squeeze(0);
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("resize {} x {} bilinear antialiased", height, width);
  }
};

static_assert(TransformPolicy<Resize>);

}  // namespace g2d::transform
