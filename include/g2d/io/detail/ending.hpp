// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>
#include <system_error>

namespace g2d::io::detail {

/// Cameras, recorders and Windows write the endings of files in capitals.
[[nodiscard]] inline std::string change_case(std::string text, char from, char to) {
  constexpr int num_letters = 26;
  for (auto& c : text) {
    if (c >= from && c < from + num_letters) c = static_cast<char>(c - from + to);
  }
  return text;
}

/// ".wav" of sound.WAV.
[[nodiscard]] inline std::string lower_case_ending(const std::filesystem::path& path) {
  return change_case(path.extension().string(), 'A', 'a');
}

/// sound.WAV of sound.wav.
[[nodiscard]] inline std::filesystem::path with_ending_in_capitals(std::filesystem::path path) {
  return path.replace_extension(change_case(path.extension().string(), 'a', 'A'));
}

/// The file, or the one whose ending is in capitals where only that is there.
[[nodiscard]] inline std::filesystem::path find_ending(const std::filesystem::path& path) {
  std::error_code error;
  const auto other = with_ending_in_capitals(path);
  return !std::filesystem::exists(path, error) && std::filesystem::exists(other, error) ? other : path;
}

}  // namespace g2d::io::detail
