// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

/// Convolutions of one shape over square pictures, padded by half of the kernel.
struct ConvolutionShape {
  std::int64_t in_channels, out_channels, kernel, stride;
  std::int64_t size;       ///< Of the input.
  std::int64_t count = 1;  ///< How many of them a network has.

  [[nodiscard]] std::int64_t padding() const { return kernel / 2; }
  [[nodiscard]] std::int64_t out_size() const { return (size - 1) / stride + 1; }

  /// Of one pass of one of them over one sample, 2 for each multiply-add: forward, the input's gradient and the
  /// weight's are alike. Of a picture of one pixel the library multiplies with the kernel's centre alone.
  [[nodiscard]] double flops() const {
    const auto positions = size == 1 ? 1 : kernel * kernel;
    return 2.0 * static_cast<double>(in_channels * out_channels * positions * out_size() * out_size());
  }
};

/// Those of ResNet-18, the stem first.
[[nodiscard]] inline std::vector<ConvolutionShape> resnet18_convolutions(std::int64_t in_channels,
                                                                         std::int64_t image_size) {
  std::vector<ConvolutionShape> shapes{{in_channels, 64, 7, 2, image_size}};
  const auto pooled = (shapes[0].out_size() - 1) / 2 + 1;
  shapes.push_back({64, 64, 3, 1, pooled, 4});
  for (const std::int64_t in : {64, 128, 256}) {
    const auto size = shapes.back().out_size(), out = 2 * in;
    shapes.push_back({in, out, 1, 2, size});
    shapes.push_back({in, out, 3, 2, size});
    shapes.push_back({out, out, 3, 1, shapes.back().out_size(), 3});
  }
  return shapes;
}

/// Of the convolutions in a training step of ResNet-18, one sample: three passes, but the stem's input needs no
/// gradient. Norms, pooling and updates are not counted.
[[nodiscard]] inline double resnet18_training_flops(std::int64_t in_channels, std::int64_t image_size) {
  const auto shapes = resnet18_convolutions(in_channels, image_size);
  double sum = -shapes[0].flops();
  for (const auto& shape : shapes) sum += 3.0 * static_cast<double>(shape.count) * shape.flops();
  return sum;
}
