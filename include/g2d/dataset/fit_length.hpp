// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include <g2d/core/error.hpp>

namespace g2d::dataset {

/// Centres recordings in frames of one length: silence around the short ones, both ends cut off the long ones.
///
/// Shapes     in: N tensors [L_n]; out: float32 [N, length].
/// Errors     ConfigError unless length > 0.
[[nodiscard]] inline at::Tensor fit_length(std::span<const at::Tensor> waveforms, std::int64_t length) {
  if (length < 1)
    throw ConfigError(fmt::format("g2d: dataset::fit_length: expected at least one sample, got {}", length));
  auto frames = at::zeros({static_cast<std::int64_t>(waveforms.size()), length}, at::kFloat);
  for (std::size_t n = 0; n < waveforms.size(); ++n) {
    const auto given = waveforms[n].size(0);
    const auto kept = std::min(given, length);
    frames[static_cast<std::int64_t>(n)]
        .narrow(0, (length - kept) / 2, kept)
        .copy_(waveforms[n].narrow(0, (given - kept) / 2, kept));
  }
  return frames;
}

}  // namespace g2d::dataset
