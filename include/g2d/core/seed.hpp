// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/Generator.h>

#include <cstdint>

namespace g2d {

/// Mixes a seed with a stream number (epoch, sample, purpose) into an independent seed: splitmix64's finaliser.
[[nodiscard]] constexpr std::uint64_t mix_seed(std::uint64_t seed, std::uint64_t stream) {
  std::uint64_t z = seed + 0x9E3779B97F4A7C15ULL * (stream + 1);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// A host generator of its own for (seed, stream): LibTorch's global generator is neither read nor moved.
[[nodiscard]] inline at::Generator make_generator(std::uint64_t seed, std::uint64_t stream = 0) {
  return at::detail::createCPUGenerator(mix_seed(seed, stream));
}

}  // namespace g2d
