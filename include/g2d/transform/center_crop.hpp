// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string>

#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/cut.hpp>

namespace g2d::transform {

/// Cuts the middle out of an image.
///
/// Shapes     in: [C, H, W], H >= height, W >= width; out: [C, height, width].
/// Dtype      any; kept.
/// Errors     ConfigError unless height and width are positive; ShapeError unless the sample is an image of at
///            least that size.
/// Source     torchvision's CenterCrop: an odd margin is split as round((H - height) / 2), halves to even. It pads
///            smaller images, which are refused here.
struct CenterCrop {
  std::int64_t height = 0;  ///< Pixels.
  std::int64_t width = 0;   ///< Pixels.

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image) const {
    return detail::cut(image, height, width, "transform::CenterCrop", [](std::int64_t spare) {
      return static_cast<std::int64_t>(std::nearbyint(static_cast<double>(spare) / 2));
    });
  }

  [[nodiscard]] std::string description() const { return fmt::format("center crop {} x {}", height, width); }
};

static_assert(TransformPolicy<CenterCrop>);

}  // namespace g2d::transform
