// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/resize.hpp>

namespace g2d::transform {

/// Scales an image so that its shorter side has `length` pixels; the longer one follows, rounded down.
///
/// Shapes     in: [C, H, W]; out: [C, length, length W / H] where H <= W, else [C, length H / W, length].
/// Dtype      uint8 or floating; kept.
/// Errors     ConfigError unless length > 1; ShapeError unless the sample is such an image.
/// Source     torchvision's Resize with one number.
struct ResizeShorterSide {
  std::int64_t length = 0;  ///< Pixels.

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image) const {
    if (length < 2)
      throw ConfigError(fmt::format("g2d: transform::ResizeShorterSide: expected length >= 2, got {}", length));
    detail::check_image(image, "transform::ResizeShorterSide");
    const auto height = image.size(1);
    const auto width = image.size(2);
    if (height <= width) return Resize{length, length * width / height}(image);
    return Resize{length * height / width, length}(image);
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("resize shorter side {} bilinear antialiased", length);
  }
};

static_assert(TransformPolicy<ResizeShorterSide>);

}  // namespace g2d::transform
