// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/resize.hpp>

namespace g2d::transform {

/// Cuts a part of random area and aspect ratio out of an image and scales it to one size.
///
///     area  ~ U(smallest_scale, largest_scale) H W,   ratio = exp(U(log smallest_ratio, log largest_ratio))
///     w     = round(sqrt(area ratio)),   h = round(sqrt(area / ratio)),   at a place equally likely
///
/// If ten draws do not fit into the image: its largest part in the middle with a ratio in the range.
///
/// Shapes     in: [C, H, W]; out: [C, height, width].
/// Dtype      uint8 or floating; kept.
/// Errors     ConfigError for settings out of range; ShapeError unless the sample is such an image.
/// Source     torchvision's RandomResizedCrop(antialias=True); the random numbers are others.
struct RandomResizedCrop {
  std::int64_t height = 0;       ///< Pixels.
  std::int64_t width = 0;        ///< Pixels.
  double smallest_scale = 0.08;  ///< Of the image's area.
  double largest_scale = 1;
  double smallest_ratio = 3.0 / 4;  ///< Width / height.
  double largest_ratio = 4.0 / 3;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image, SampleRandom& random) const {
    check_settings();
    detail::check_image(image, "transform::RandomResizedCrop");
    const auto part = choose(image.size(1), image.size(2), random);
    return Resize{height, width}(image.narrow(1, part.top, part.height).narrow(2, part.left, part.width));
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("random resized crop {} x {} scale {} to {} ratio {} to {}", height, width, smallest_scale,
                       largest_scale, smallest_ratio, largest_ratio);
  }

 private:
  struct Part {
    std::int64_t top, left, height, width;
  };

  void check_settings() const {
    const bool fits = height >= 2 && width >= 2 && 0 < smallest_scale && smallest_scale <= largest_scale &&
                      largest_scale <= 1 && 0 < smallest_ratio && smallest_ratio <= largest_ratio &&
                      std::isfinite(largest_ratio);
    if (fits) return;
    throw ConfigError(
        fmt::format("g2d: transform::RandomResizedCrop: expected height and width >= 2, 0 < smallest_scale <= "
                    "largest_scale <= 1 and 0 < smallest_ratio <= largest_ratio, got {}",
                    description()));
  }

  [[nodiscard]] Part choose(std::int64_t rows, std::int64_t columns, SampleRandom& random) const {
    const auto between = [&](double lowest, double highest) { return lowest + (highest - lowest) * random.uniform(); };
    const auto rounded = [](double pixels) { return static_cast<std::int64_t>(std::nearbyint(pixels)); };

    constexpr int most_draws = 10;
    for (int draw = 0; draw < most_draws; ++draw) {
      const auto area = static_cast<double>(rows * columns) * between(smallest_scale, largest_scale);
      const auto ratio = std::exp(between(std::log(smallest_ratio), std::log(largest_ratio)));
      const auto part_columns = rounded(std::sqrt(area * ratio));
      const auto part_rows = rounded(std::sqrt(area / ratio));
      if (part_rows < 1 || part_rows > rows || part_columns < 1 || part_columns > columns) continue;
      const auto top = random.below(rows - part_rows + 1);
      const auto left = random.below(columns - part_columns + 1);
      return {top, left, part_rows, part_columns};
    }

    const auto ratio =
        std::clamp(static_cast<double>(columns) / static_cast<double>(rows), smallest_ratio, largest_ratio);
    const auto part_rows = std::clamp<std::int64_t>(rounded(static_cast<double>(columns) / ratio), 1, rows);
    const auto part_columns = std::clamp<std::int64_t>(rounded(static_cast<double>(rows) * ratio), 1, columns);
    return {(rows - part_rows) / 2, (columns - part_columns) / 2, part_rows, part_columns};
  }
};

static_assert(TransformPolicy<RandomResizedCrop>);

}  // namespace g2d::transform
