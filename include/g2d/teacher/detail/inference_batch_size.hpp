// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <algorithm>
#include <bit>
#include <cstdint>

#include <g2d/core/batch.hpp>

namespace g2d::detail {

/// How many samples a forward pass without gradients takes at once, by the largest input of a sample: on a CPU so that
/// activations stay near the caches (ResNet-18: 16 at 112 x 112, 256 at 28 x 28), elsewhere so that the device is
/// filled.
[[nodiscard]] inline std::int64_t inference_batch_size(const Batch& one_sample, const at::Device& device) {
  constexpr std::int64_t values_on_host = std::int64_t{1} << 18;
  constexpr std::int64_t values_on_device = std::int64_t{1} << 22;
  constexpr std::int64_t fewest = 8;
  constexpr std::int64_t most = 1024;
  std::int64_t largest = 1;
  for (const auto& input : one_sample.inputs) largest = std::max(largest, input.values.numel());
  const auto fitting = (device.is_cpu() ? values_on_host : values_on_device) / largest;
  return static_cast<std::int64_t>(std::bit_floor(static_cast<std::uint64_t>(std::clamp(fitting, fewest, most))));
}

}  // namespace g2d::detail
