// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace g2d::io::detail {

enum class ByteOrder { Little, Big };

/// The number in bytes [at, at + width), at most 8 of them; bytes behind the end are 0.
[[nodiscard]] inline std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t width,
                                             ByteOrder order) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < width; ++i) {
    const auto position = at + (order == ByteOrder::Little ? width - 1 - i : i);
    number = number << 8U | (position < bytes.size() ? static_cast<std::uint8_t>(bytes[position]) : 0U);
  }
  return number;
}

/// The opposite. The bytes are there.
inline void put_number(std::string& bytes, std::size_t at, std::size_t width, ByteOrder order, std::uint64_t number) {
  for (std::size_t i = 0; i < width; ++i, number >>= 8U) {
    bytes[at + (order == ByteOrder::Little ? i : width - 1 - i)] = static_cast<char>(number & 0xFFU);
  }
}

}  // namespace g2d::io::detail
