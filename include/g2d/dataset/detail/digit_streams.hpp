// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>

#include <g2d/data/splits.hpp>
#include <g2d/dataset/detail/split_generators.hpp>

namespace g2d::dataset::detail {

/// What the digits draw random numbers for. Each has a stream of its own, so that no option moves another's draws.
enum class DigitStream : std::uint64_t {
  ImageSplit,
  RecordingSplit,
  Pairing,
  Labels,
  Glyphs,
  Tones,
  Difficulty,
  AudioNoise,
  ImageNoise
};

/// One generator for each split.
[[nodiscard]] inline data::Splits<at::Generator> make_generators(std::uint64_t seed, DigitStream stream) {
  constexpr std::uint64_t salt = 0x6469676974;
  return split_generators(seed, salt, static_cast<std::uint64_t>(stream));
}

}  // namespace g2d::dataset::detail
