// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

#include <g2d/core/lower_case.hpp>

namespace g2d::io::detail {

/// ".wav" of sound.WAV: cameras, recorders and Windows write the endings of files in capitals.
[[nodiscard]] inline std::string lower_case_ending(const std::filesystem::path& path) {
  return lower_case(path.extension().string());
}

/// sound.wav, or sound.WAV where only that is there.
[[nodiscard]] inline std::filesystem::path find_ending(const std::filesystem::path& path) {
  std::error_code error;
  if (std::filesystem::exists(path, error)) return path;
  auto ending = path.extension().string();
  for (char& letter : ending) {
    if (letter >= 'a' && letter <= 'z') letter = static_cast<char>(letter - 'a' + 'A');
  }
  auto other = path;
  other.replace_extension(ending);
  return std::filesystem::exists(other, error) ? other : path;
}

}  // namespace g2d::io::detail
