// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

/// All bytes of a regular file, in one read; a file of more than `most` bytes is refused unread. Errors: DataError.
inline std::string read_file(std::string_view where, const std::filesystem::path& path, std::int64_t most) {
  const auto size = file_size(where, path);
  if (size > most) fail(where, path, fmt::format("expected at most {} bytes, got {}", most, size));
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(where, path, "expected a readable file, got one that cannot be opened");
  std::string bytes(static_cast<std::size_t>(size), '\0');
  if (!file.read(bytes.data(), size)) {
    fail(where, path, fmt::format("expected {} bytes, got {}; the file cannot be read", size, file.gcount()));
  }
  return bytes;
}

}  // namespace g2d::io::detail
