// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

/// `count` bytes at `begin`, fewer at the end of the file.
inline std::string bytes_at(std::ifstream& file, std::uint64_t begin, std::size_t count) {
  std::string bytes(count, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(begin));
  file.read(bytes.data(), static_cast<std::streamsize>(count));
  bytes.resize(static_cast<std::size_t>(file.gcount()));
  return bytes;
}

/// WAV and AIFF announce their length in the first eight bytes.
inline void check_chunk_complete(std::string_view head, std::uint64_t file_size) {
  constexpr std::uint32_t length_unknown = 0xFFFFFFFF;  // what programs write that stream into a pipe
  const bool is_little_endian = head.substr(0, 4) == "RIFF";
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    length = length << 8U | static_cast<std::uint8_t>(head[is_little_endian ? 7 - i : 4 + i]);
  }
  if (length != length_unknown && file_size < std::uint64_t{length} + head.size()) {
    throw Malformed(fmt::format("expected {} bytes as its header announces, got {}; the file is truncated",
                                std::uint64_t{length} + head.size(), file_size));
  }
}

/// The last page of an Ogg stream says that it is the last.
inline void check_ogg_complete(std::ifstream& file, std::uint64_t file_size) {
  constexpr std::uint64_t longest_page = 65307;
  constexpr std::size_t page_header = 27;
  constexpr unsigned end_of_stream = 4;
  const auto begin = file_size - std::min(file_size, longest_page);
  const auto tail = bytes_at(file, begin, static_cast<std::size_t>(file_size - begin));
  const auto start = tail.rfind("OggS");
  bool is_complete = false;
  if (start != std::string::npos && tail.size() - start >= page_header) {
    const auto page = std::string_view(tail).substr(start);
    const auto num_segments = static_cast<std::uint8_t>(page[page_header - 1]);
    std::size_t size = page_header + num_segments;
    if (size <= page.size()) {
      for (const char length : page.substr(page_header, num_segments)) size += static_cast<std::uint8_t>(length);
      is_complete = size <= page.size() && (static_cast<std::uint8_t>(page[5]) & end_of_stream) != 0;
    }
  }
  if (!is_complete) {
    throw Malformed("expected a last page that ends the Ogg stream, got none; the file is truncated or damaged");
  }
}

/// libsndfile reads a file that was cut off as if it ended there, so what the container says is compared first.
inline void check_audio_complete(const std::filesystem::path& path) {
  constexpr std::size_t head_size = 8;
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) throw Malformed("expected a readable file, got one that cannot be opened");
  const auto file_size = static_cast<std::uint64_t>(file.tellg());
  const auto head = bytes_at(file, 0, head_size);
  if (head.size() < head_size) throw Malformed(fmt::format("expected an audio file, got {} bytes", head.size()));
  const auto magic = head.substr(0, 4);
  if (magic == "RIFF" || magic == "RIFX" || magic == "FORM") check_chunk_complete(head, file_size);
  if (magic == "OggS") check_ogg_complete(file, file_size);
}

}  // namespace g2d::io::detail
