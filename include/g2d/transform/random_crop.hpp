// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/cut.hpp>

namespace g2d::transform {

/// Cuts a part out of an image; every position is equally likely.
///
/// Shapes     in: [C, H, W], H >= height, W >= width; out: [C, height, width].
/// Dtype      any; kept.
/// Errors     ConfigError unless height and width are positive; ShapeError unless the sample is an image of at
///            least that size.
/// Source     torchvision's RandomCrop without padding.
struct RandomCrop {
  std::int64_t height = 0;  ///< Pixels.
  std::int64_t width = 0;   ///< Pixels.

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image, SampleRandom& random) const {
    return detail::cut(image, height, width, "transform::RandomCrop",
                       [&](std::int64_t spare) { return random.below(spare + 1); });
  }

  [[nodiscard]] std::string description() const { return fmt::format("random crop {} x {}", height, width); }
};

static_assert(TransformPolicy<RandomCrop>);

}  // namespace g2d::transform
