// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace g2d {

/// How many letters have to be added, removed or replaced to make one text of the other (Levenshtein's distance).
[[nodiscard]] inline std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const auto replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

/// What was probably meant: the first of those `names` that are nearest to `name`. `names` holds at least one.
[[nodiscard]] inline const std::string& nearest_name(std::string_view name, std::span<const std::string> names) {
  return *std::min_element(names.begin(), names.end(), [name](const auto& a, const auto& b) {
    return edit_distance(a, name) < edit_distance(b, name);
  });
}

}  // namespace g2d
