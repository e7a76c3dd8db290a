// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform {

/// Mirrors an image left to right, by chance.
///
/// Shapes     [C, H, W]; kept.
/// Dtype      any; kept.
/// Errors     ConfigError unless the probability is in [0, 1]; ShapeError unless the sample is an image.
struct HorizontalFlip {
  double probability = 0.5;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image, SampleRandom& random) const {
    if (!(probability >= 0 && probability <= 1)) {
      throw ConfigError(
          fmt::format("g2d: transform::HorizontalFlip: expected a probability in [0, 1], got {}", probability));
    }
    detail::check_image(image, "transform::HorizontalFlip");
    return random.uniform() < probability ? image.flip({2}) : image;
  }

  [[nodiscard]] std::string description() const { return fmt::format("horizontal flip {}", probability); }
};

static_assert(TransformPolicy<HorizontalFlip>);

}  // namespace g2d::transform
