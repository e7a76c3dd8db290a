// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <filesystem>

#include <g2d/core/error.hpp>
#include <g2d/io/image.hpp>
#include <g2d/transform/any.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/horizontal_flip.hpp>
#include <g2d/transform/normalize.hpp>
#include <g2d/transform/random_resized_crop.hpp>
#include <g2d/transform/resize.hpp>
#include <g2d/transform/to_float.hpp>

namespace g2d::dataset::detail {

/// What becomes of a photograph.
struct PhotographOptions {
  std::int64_t size = 224;  ///< Pixels; height and width, whatever the aspect ratio was.
  std::array<double, 3> mean = transform::imagenet_mean;
  std::array<double, 3> deviation = transform::imagenet_std;
};

[[nodiscard]] inline at::Tensor decode_photograph(const std::filesystem::path& path) { return io::read_image(path); }

/// Resized with antialiasing, to [0, 1], normalised. Augmented: first a part of 60 % to 100 % of the area, mirrored by
/// chance.
/// Errors     ConfigError unless the size is positive.
[[nodiscard]] inline transform::Any prepare_photograph(const PhotographOptions& options, bool augments) {
  if (options.size < 1) throw ConfigError(fmt::format("g2d: dataset: expected image_size >= 1, got {}", options.size));
  constexpr double smallest_part = 0.6;
  const transform::Chain numbers{transform::ToFloat{}, transform::Normalize(options.mean, options.deviation)};
  if (!augments) return transform::Chain{transform::Resize{options.size, options.size}, numbers};
  return transform::Chain{
      transform::RandomResizedCrop{.height = options.size, .width = options.size, .smallest_scale = smallest_part},
      transform::HorizontalFlip{}, numbers};
}

}  // namespace g2d::dataset::detail
