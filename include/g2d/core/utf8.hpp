// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace g2d {

/// How many bytes of the text, from its beginning on, are UTF-8: all of them, or up to the first that is not (RFC 3629:
/// no overlong forms, no surrogates, nothing above U+10FFFF).
[[nodiscard]] inline std::size_t utf8_prefix(std::string_view text) {
  const auto byte = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  std::size_t i = 0;
  while (i < text.size()) {
    const auto first = byte(i);
    const std::size_t length = first < 0x80U                     ? 1
                               : first >= 0xC2U && first < 0xE0U ? 2
                               : first >= 0xE0U && first < 0xF0U ? 3
                               : first >= 0xF0U && first < 0xF5U ? 4
                                                                 : 0;
    if (length == 0) return i;
    for (std::size_t k = 1; k < length; ++k) {
      if ((byte(i + k) & 0xC0U) != 0x80U) return i;
    }
    const auto second = byte(i + 1);
    const bool is_misplaced = (first == 0xE0U && second < 0xA0U) || (first == 0xEDU && second > 0x9FU) ||
                              (first == 0xF0U && second < 0x90U) || (first == 0xF4U && second > 0x8FU);
    if (is_misplaced) return i;
    i += length;
  }
  return i;
}

[[nodiscard]] inline bool is_utf8(std::string_view text) { return utf8_prefix(text) == text.size(); }

}  // namespace g2d
