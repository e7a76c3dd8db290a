// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <string_view>

#include <g2d/core/error.hpp>

namespace g2d::dataset::detail {

/// A path that a list names, relative to `folder`. What the folder links to may lie anywhere; what the list says may
/// not.
///
/// Errors     DataError that begins with `location` (file and line) for an absolute path and one with ".." in it.
[[nodiscard]] inline std::filesystem::path path_inside(const std::filesystem::path& folder, const std::string& text,
                                                       std::string_view location) {
  const std::filesystem::path path(text);
  if (path.empty() || path.has_root_path() || std::find(path.begin(), path.end(), "..") != path.end()) {
    throw DataError(
        fmt::format("g2d: {}: expected a path inside {}, relative to it, got \"{}\"", location, folder.string(), text));
  }
  return folder / path;
}

}  // namespace g2d::dataset::detail
