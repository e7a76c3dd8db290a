// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/detail/describe_values.hpp>

namespace g2d::transform {

/// Statistics of ImageNet's training split per channel (red, green, blue), for images in [0, 1].
inline constexpr std::array<double, 3> imagenet_mean{0.485, 0.456, 0.406};
inline constexpr std::array<double, 3> imagenet_std{0.229, 0.224, 0.225};

/// Shifts and scales each channel of an image by known statistics.
///
///     y[c] = (x[c] - mean[c]) / deviation[c]
///
/// Shapes     [C, H, W], C means and deviations; kept.
/// Dtype      floating; kept.
/// Errors     ConfigError unless there are as many means as deviations, at least one, and deviations are positive;
///            ShapeError unless the sample is a floating point image of as many channels.
/// Source     torchvision's Normalize.
class Normalize {
 public:
  Normalize(at::ArrayRef<double> mean, at::ArrayRef<double> deviation) {
    const bool is_positive = std::all_of(deviation.begin(), deviation.end(), [](double value) { return value > 0; });
    if (mean.empty() || mean.size() != deviation.size() || !is_positive) {
      throw ConfigError(fmt::format(
          "g2d: transform::Normalize: expected a mean and a positive deviation for each channel, got means {} "
          "and deviations {}",
          mean.vec(), deviation.vec()));
    }
    mean_ = at::tensor(mean, at::kDouble).view({-1, 1, 1});
    deviation_ = at::tensor(deviation, at::kDouble).view({-1, 1, 1});
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& image) const {
    detail::check_image(image, "transform::Normalize");
    detail::check_floating(image, "transform::Normalize");
    if (image.size(0) != mean_.size(0)) {
      throw ShapeError(fmt::format(
          "g2d: transform::Normalize: expected {} channels, got {}; take statistics for as many, or convert the "
          "image when it is read",
          mean_.size(0), to_string(image.sizes())));
    }
    return image.sub(mean_.to(image.options())).div_(deviation_.to(image.options()));
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("normalize mean {} deviation {}", detail::describe_values(mean_),
                       detail::describe_values(deviation_));
  }

 private:
  at::Tensor mean_;
  at::Tensor deviation_;
};

static_assert(TransformPolicy<Normalize>);

}  // namespace g2d::transform
