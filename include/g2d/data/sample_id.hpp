// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::data {

/// A number for a sample's name, the same wherever the sample is listed: FNV-1a, the upper 63 bits.
[[nodiscard]] constexpr std::int64_t sample_id(std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char letter : name) {
    hash ^= static_cast<std::uint8_t>(letter);
    hash *= 0x100000001B3ULL;
  }
  return static_cast<std::int64_t>(hash >> 1U);
}

/// The ids of samples, int64 [N]. Errors: DataError when a name occurs twice (or, one in 10^9 even for 10^5 names, two
/// names have one id).
[[nodiscard]] inline at::Tensor sample_ids_of(const std::vector<std::string>& names) {
  auto ids = at::empty({static_cast<std::int64_t>(names.size())}, at::kLong);
  std::unordered_map<std::int64_t, std::size_t> known;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto id = sample_id(names[i]);
    if (const auto [other, is_new] = known.emplace(id, i); !is_new) {
      throw DataError(
          fmt::format("g2d: data::Samples: expected names that differ, got \"{}\" (sample {}) and \"{}\" (sample {})",
                      names[other->second], other->second, names[i], i));
    }
    ids.mutable_data_ptr<std::int64_t>()[i] = id;
  }
  return ids;
}

}  // namespace g2d::data
