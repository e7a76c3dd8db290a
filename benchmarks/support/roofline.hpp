// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "paired_timing.hpp"

/// What this machine does with these threads, in floating-point operations a second.
struct MachineRates {
  double gemm = 0.0;
  std::optional<double> gemm_bfloat16;  ///< Unless it is emulated.
  double convolution = 0.0;             ///< Of the quicker layout.
};

namespace detail {

template <class Work>
[[nodiscard]] double best_rate(double flops, Work&& work) {
  std::vector<double> seconds;
  for (int i = 0; i < 12; ++i) seconds.push_back(seconds_of(work, 1));
  return flops / quantile(seconds, 0.0);
}

[[nodiscard]] inline double gemm_rate(std::int64_t size, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const auto a = at::randn({size, size}).to(dtype), b = at::randn({size, size}).to(dtype);
  const auto length = static_cast<double>(size);
  return best_rate(2.0 * length * length * length, [&] { (void)at::mm(a, b); });
}

/// Of ResNet-18's most common convolution.
[[nodiscard]] inline double convolution_rate(at::MemoryFormat layout) {
  const at::NoGradGuard no_grad;
  const auto images = at::randn({16, 64, 28, 28}).contiguous(layout), filters = at::randn({64, 64, 3, 3}).contiguous(layout);
  constexpr double flops = 2.0 * 16 * 64 * 64 * 9 * 28 * 28;
  return best_rate(flops, [&] { (void)at::conv2d(images, filters, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1}); });
}

/// Processors without instructions for it emulate bfloat16 at a fraction of float32's speed.
[[nodiscard]] inline bool multiplies_bfloat16_faster() {
  constexpr std::int64_t size = 256;
  return gemm_rate(size, at::kBFloat16) > gemm_rate(size, at::kFloat);
}

}  // namespace detail

/// False, and a line that says so, where bfloat16 is slower than float32.
[[nodiscard]] inline bool can_compare_bfloat16() {
  if (detail::multiplies_bfloat16_faster()) return true;
  fmt::print("  bfloat16: not compared, for this machine multiplies it no faster than float32\n");
  return false;
}

[[nodiscard]] inline MachineRates measure_rates() {
  constexpr std::int64_t size = 1024;
  return {detail::gemm_rate(size, at::kFloat),
          detail::multiplies_bfloat16_faster() ? std::optional(detail::gemm_rate(size, at::kBFloat16)) : std::nullopt,
          std::max(detail::convolution_rate(at::MemoryFormat::Contiguous), detail::convolution_rate(at::MemoryFormat::ChannelsLast))};
}

/// Of the convolutions of one forward pass of ResNet-18 over a one-channel image, 2 for each multiply-add; a backward pass takes
/// twice as many. Norms, pooling and updates are not counted.
[[nodiscard]] inline double resnet18_flops(std::int64_t image_size) {
  const auto halved = [](std::int64_t size) { return (size + 1) / 2; };
  const auto flops = [](std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t size) {
    return 2.0 * static_cast<double>(in * out * kernel * kernel * size * size);
  };
  auto size = halved(image_size);
  double sum = flops(1, 64, 7, size);
  size = halved(size);
  sum += 4 * flops(64, 64, 3, size);
  for (const std::int64_t in : {64, 128, 256}) {
    const auto out = 2 * in;
    size = halved(size);
    sum += flops(in, out, 3, size) + 3 * flops(out, out, 3, size) + flops(in, out, 1, size);
  }
  return sum;
}
