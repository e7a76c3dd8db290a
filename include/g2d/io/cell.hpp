// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <string_view>
#include <system_error>

#include <g2d/core/lower_case.hpp>

/// What the text of a table's cell means.
namespace g2d::io {

/// Without the blanks at both ends: ASCII's, and the one that does not break (U+00A0).
[[nodiscard]] inline std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\n\v\f\r", unbroken = "\xC2\xA0";
  for (bool is_done = false; !is_done;) {
    const auto before = text.size();
    text.remove_prefix(std::min(text.find_first_not_of(blanks), text.size()));
    text.remove_suffix(text.size() - (text.find_last_not_of(blanks) + 1));
    if (text.starts_with(unbroken)) text.remove_prefix(unbroken.size());
    if (text.ends_with(unbroken)) text.remove_suffix(unbroken.size());
    is_done = text.size() == before;
  }
  return text;
}

/// Whether the text means that there is no value: nothing or blanks, "nan" in any case, "NA" and what pandas and R
/// write for it.
[[nodiscard]] inline bool is_missing(std::string_view text) {
  constexpr std::array<std::string_view, 8> words{"", "NA", "N/A", "n/a", "<NA>", "NULL", "null", "None"};
  const auto word = trimmed(text);
  return std::find(words.begin(), words.end(), word) != words.end() || lower_case(word) == "nan";
}

/// The text as one finite number, with or without a sign; nothing where it is another text.
[[nodiscard]] inline std::optional<double> parse_number(std::string_view text) {
  auto digits = trimmed(text);
  if (digits.size() > 1 && digits[0] == '+' && digits[1] != '-') digits.remove_prefix(1);
  double value = 0;
  const auto* end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, value);
  const bool is_number = result.ec == std::errc() && result.ptr == end && std::isfinite(value);
  return is_number ? std::optional(value) : std::nullopt;
}

}  // namespace g2d::io
