// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <g2d/io/detail/byte_order.hpp>
#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

inline constexpr std::size_t ogg_page_head = 27;

/// The checksum of a page whose own field is 0: CRC-32 of 0x04C11DB7, highest bit first (RFC 3533).
[[nodiscard]] inline std::uint32_t ogg_checksum(std::string_view page) {
  std::uint32_t sum = 0;
  for (const char byte : page) {
    sum ^= static_cast<std::uint32_t>(static_cast<std::uint8_t>(byte)) << 24U;
    for (int bit = 0; bit < 8; ++bit) sum = (sum & 0x80000000U) != 0 ? sum << 1U ^ 0x04C11DB7U : sum << 1U;
  }
  return sum;
}

/// The bytes of the page that begins at `start`; 0 where the file ends within it.
[[nodiscard]] inline std::size_t ogg_page_size(std::string_view bytes, std::size_t start) {
  const auto page = bytes.substr(start);
  if (page.size() < ogg_page_head) return 0;
  const auto num_segments = static_cast<std::uint8_t>(page[ogg_page_head - 1]);
  std::size_t size = ogg_page_head + num_segments;
  if (size > page.size()) return 0;
  for (const char length : page.substr(ogg_page_head, num_segments)) size += static_cast<std::uint8_t>(length);
  return size <= page.size() ? size : 0;
}

/// `visit(start, size)` for each page from the start of the file on, up to the first that is none.
template <class Visit>
void each_ogg_page(std::string_view bytes, const Visit& visit) {
  for (std::size_t at = 0; bytes.substr(at, 4) == "OggS";) {
    const auto size = ogg_page_size(bytes, at);
    if (size == 0) return;
    visit(at, size);
    at += size;
  }
}

/// Whether one stream follows another, of which libsndfile reads the first.
[[nodiscard]] inline bool is_chained_ogg(std::string_view bytes) {
  constexpr unsigned begin_of_stream = 2;
  bool has_begun = false, is_chained = false;
  each_ogg_page(bytes, [&](std::size_t start, std::size_t) {
    const bool begins = (static_cast<std::uint8_t>(bytes[start + 5]) & begin_of_stream) != 0;
    is_chained |= begins && has_begun;
    has_begun |= !begins;
  });
  return is_chained;
}

/// FLAC in Ogg as FLAC, which libsndfile reads: the pages' contents, one behind the other, without the head of its own.
/// Other streams stay.
inline void unwrap_ogg_flac(std::string& bytes) {
  constexpr std::size_t first_content = ogg_page_head + 1, flac_head = 9;
  constexpr std::string_view flac_mark("\177FLAC");
  if (bytes.size() < first_content || bytes.compare(first_content, flac_mark.size(), flac_mark) != 0) return;
  std::string contents;
  each_ogg_page(bytes, [&](std::size_t start, std::size_t size) {
    const auto content = ogg_page_head + static_cast<std::uint8_t>(bytes[start + ogg_page_head - 1]);
    contents.append(bytes, start + content, size - content);
  });
  contents.erase(0, flac_head);
  bytes = std::move(contents);
}

/// The last page of a stream is marked as the last. Where it is whole and does not, as recorders write it, it is
/// made to: Vorbis and Opus cut the samples to their number at that mark, and at the wrong end without it. Whether it
/// was.
///
/// Errors     Malformed when the file ends within a page or a packet, or holds several streams.
inline bool settle_ogg(std::string& bytes) {
  constexpr std::size_t longest_page = 65307;
  if (is_chained_ogg(bytes)) {
    throw Malformed("expected one Ogg stream, got several, one behind the other; write them into files of their own");
  }
  constexpr std::size_t flags_at = 5, checksum_at = 22;
  constexpr unsigned end_of_stream = 4;
  constexpr std::uint8_t packet_goes_on = 255;
  const auto tail = bytes.size() - std::min(bytes.size(), longest_page);
  const auto start = bytes.rfind("OggS");
  const auto size = start == std::string::npos || start < tail ? 0 : ogg_page_size(bytes, start);
  const bool ends = size > 0 && (static_cast<std::uint8_t>(bytes[start + flags_at]) & end_of_stream) != 0;
  if (ends) return false;
  const auto num_segments = size > 0 ? static_cast<std::uint8_t>(bytes[start + ogg_page_head - 1]) : 0U;
  if (num_segments == 0 || start + size < bytes.size() ||
      static_cast<std::uint8_t>(bytes[start + ogg_page_head + num_segments - 1]) == packet_goes_on) {
    throw Malformed("expected a last page that ends the Ogg stream, got none; the file is truncated or damaged");
  }
  bytes[start + flags_at] = static_cast<char>(static_cast<std::uint8_t>(bytes[start + flags_at]) | end_of_stream);
  put_number(bytes, start + checksum_at, 4, ByteOrder::Little, 0);
  put_number(bytes, start + checksum_at, 4, ByteOrder::Little,
             ogg_checksum(std::string_view(bytes).substr(start, size)));
  return true;
}

}  // namespace g2d::io::detail
