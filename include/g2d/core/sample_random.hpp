// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstdint>

#include <g2d/core/seed.hpp>

namespace g2d {

/// Whose random numbers are drawn.
struct SampleKey {
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;
  std::int64_t sample_id = 0;
  std::uint64_t modality = 0;
};

/// Random numbers for one sample of one modality in one epoch: a pure function of the key, whichever thread draws them.
///
/// Cost       one mixing of 64 bits a number (splitmix64); no lock, no allocation.
class SampleRandom {
 public:
  explicit SampleRandom(const SampleKey& key)
      : state_(mix_seed(mix_seed(mix_seed(key.seed, static_cast<std::uint64_t>(key.epoch)),
                                 static_cast<std::uint64_t>(key.sample_id)),
                        key.modality)) {}

  /// Uniform in [0, 1), 53 random bits.
  [[nodiscard]] double uniform() { return std::ldexp(static_cast<double>(bits() >> 11U), -53); }

  /// Uniform in 0 ... count - 1; count > 0.
  [[nodiscard]] std::int64_t below(std::int64_t count) {
    return static_cast<std::int64_t>(uniform() * static_cast<double>(count));
  }

 private:
  [[nodiscard]] std::uint64_t bits() { return mix_seed(state_, draws_++); }

  std::uint64_t state_;
  std::uint64_t draws_ = 0;
};

}  // namespace g2d
