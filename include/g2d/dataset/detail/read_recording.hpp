// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>

#include <g2d/io/audio.hpp>
#include <g2d/io/read_warnings.hpp>
#include <g2d/transform/resample.hpp>

namespace g2d::dataset::detail {

/// A recording at another rate, float32 [L]. One of more than `num_kept` samples, of which the others are not used, is
/// counted by io::read_warnings().
[[nodiscard]] inline at::Tensor read_recording(const std::filesystem::path& path, std::int64_t sample_rate,
                                               std::int64_t num_kept) {
  auto samples = transform::resample(io::read_audio(path), sample_rate).samples;
  if (samples.size(0) > num_kept) {
    const auto seconds = static_cast<double>(num_kept) / static_cast<double>(sample_rate);
    io::read_warnings().add(fmt::format("recording of more than {:g} s, the rest of which is not used", seconds), path);
  }
  return samples;
}

}  // namespace g2d::dataset::detail
