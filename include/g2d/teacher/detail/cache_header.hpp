// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstdint>

namespace g2d::detail {

/// The head of a teacher cache file; tensors follow, each at a multiple of 64 bytes, in the order ids, confidence, then
/// one table for each teacher. Host byte order; a cache is made where it is used.
struct CacheHeader {
  std::array<char, 8> magic{'g', '2', 'd', 'c', 'a', 'c', 'h', '4'};
  std::array<char, 16> teachers{};  ///< Fingerprints.
  std::array<char, 16> data{};
  std::int64_t num_samples = 0;
  std::int64_t num_outputs = 0;
  std::int64_t num_modalities = 0;
  std::int64_t dtype = 0;      ///< Of the tables: an at::ScalarType.
  std::int64_t precision = 0;  ///< Of the passes: a g2d::Precision.
  std::int64_t num_bytes = 0;  ///< Of the whole file: a truncated one is told by its size.
};

inline constexpr std::int64_t cache_alignment = 64;

[[nodiscard]] constexpr std::int64_t aligned(std::int64_t offset) {
  return (offset + cache_alignment - 1) / cache_alignment * cache_alignment;
}

}  // namespace g2d::detail
