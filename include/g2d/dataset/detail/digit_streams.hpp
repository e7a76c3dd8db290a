// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>

#include <cstdint>

#include <g2d/core/seed.hpp>
#include <g2d/data/splits.hpp>

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

/// One generator for each split: the test split stays the same when the number of training samples changes.
[[nodiscard]] inline data::Splits<at::Generator> make_generators(std::uint64_t seed, DigitStream stream) {
  constexpr std::uint64_t salt = 0x6469676974;  // keeps these streams apart from those that a trainer draws for `seed`
  const auto stream_seed = mix_seed(mix_seed(seed, salt), static_cast<std::uint64_t>(stream));
  return {make_generator(stream_seed, 0), make_generator(stream_seed, 1), make_generator(stream_seed, 2)};
}

}  // namespace g2d::dataset::detail
