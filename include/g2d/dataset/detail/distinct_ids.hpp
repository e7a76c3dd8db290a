// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>
#include <unordered_map>

#include <g2d/core/error.hpp>

namespace g2d::dataset::detail {

/// Refuses ids that are empty or were seen before, in whichever file.
class DistinctIds {
 public:
  /// Errors     DataError naming both places.
  void add(const std::string& id, std::string place) {
    if (id.empty()) throw DataError(fmt::format("g2d: {}: expected an id, got nothing", place));
    if (const auto [known, is_new] = places_.try_emplace(id, place); !is_new) {
      throw DataError(fmt::format("g2d: {}: expected every id once, got \"{}\" again, which stands in {}", place, id,
                                  known->second));
    }
  }

 private:
  std::unordered_map<std::string, std::string> places_;
};

}  // namespace g2d::dataset::detail
