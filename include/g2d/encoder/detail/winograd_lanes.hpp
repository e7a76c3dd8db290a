// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

// Functions marked so are for processors with AVX2, whatever the program is compiled for; who calls them asks for such
// a processor.
#if defined(__GNUC__) && defined(__x86_64__)
#define G2D_FOR_AVX2 [[gnu::target("avx2,fma")]]
#else
#define G2D_FOR_AVX2
#endif

namespace g2d::encoder::detail::winograd {

/// Channels side by side.
#if defined(__GNUC__) && defined(__x86_64__)
using Lanes [[gnu::vector_size(32)]] = float;
#else
using Lanes = float;
#endif
constexpr std::int64_t num_lanes = sizeof(Lanes) / sizeof(float);

template <std::size_t Size>
using Line = std::array<Lanes, Size>;

G2D_FOR_AVX2 inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

G2D_FOR_AVX2 inline void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof lanes); }

}  // namespace g2d::encoder::detail::winograd
