// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <system_error>

#include <g2d/core/error.hpp>
#include <g2d/core/lower_case.hpp>

namespace g2d::dataset::detail {

/// Errors     DataError naming the folder and the whole `layout` expected in it unless it is one.
inline void require_folder(std::string_view where, const std::filesystem::path& folder, std::string_view layout) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return;
  throw DataError(
      fmt::format("g2d: {}: {}: expected a folder of {}, got no such folder", where, folder.string(), layout));
}

/// The file of that name, in lower case, in a folder, else one that has it in capitals; empty where there is none.
[[nodiscard]] inline std::filesystem::path find_file(const std::filesystem::path& folder, std::string_view name) {
  std::error_code error;
  if (auto exact = folder / name; std::filesystem::is_regular_file(exact, error)) return exact;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    if (lower_case(entry->path().filename().string()) == name) return entry->path();
  }
  return {};
}

/// Errors     DataError naming the file and the whole `layout` around it unless it is there.
inline void require_file(std::string_view where, const std::filesystem::path& file, std::string_view layout) {
  std::error_code error;
  if (std::filesystem::is_regular_file(file, error)) return;
  throw DataError(
      fmt::format("g2d: {}: {}: expected this file in a folder of {}, got no such file", where, file.string(), layout));
}

}  // namespace g2d::dataset::detail
