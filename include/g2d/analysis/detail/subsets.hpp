// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <bit>
#include <cstddef>
#include <string_view>

#include <g2d/core/error.hpp>

namespace g2d::analysis::detail {

/// 2^M. A subset is a bitmask: bit m stands for modality m.
///
/// Errors     ConfigError for more than 16 modalities.
[[nodiscard]] inline std::size_t num_subsets(std::size_t num_modalities, std::string_view where) {
  constexpr std::size_t most = 16;
  if (num_modalities > most) {
    throw ConfigError(
        fmt::format("g2d: analysis::{}: expected at most {} modalities, got {}; each one doubles the number of subsets "
                    "to evaluate, and {} have 65536",
                    where, most, num_modalities, most));
  }
  return std::size_t{1} << num_modalities;
}

/// M of a table with one entry for each subset.
///
/// Errors     ConfigError for a size that is no 2^M, M >= 1, or beyond 16 modalities.
[[nodiscard]] inline std::size_t num_modalities(std::size_t table_size, std::string_view where) {
  if (table_size < 2 || !std::has_single_bit(table_size)) {
    throw ConfigError(fmt::format("g2d: analysis::{}: expected one value for each of 2^M subsets, M >= 1, got {}",
                                  where, table_size));
  }
  const auto modalities = static_cast<std::size_t>(std::bit_width(table_size) - 1);
  (void)num_subsets(modalities, where);
  return modalities;
}

}  // namespace g2d::analysis::detail
