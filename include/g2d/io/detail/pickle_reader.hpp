// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

/// Takes the operands of a pickle's instructions from its bytes. Errors: Malformed at the end of the bytes.
class PickleReader {
 public:
  explicit PickleReader(std::string_view bytes) : rest_(bytes) {}

  std::string_view take(std::size_t count) {
    if (count > rest_.size()) throw Malformed("the pickle is truncated");
    const auto taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }

  /// Up to the next line break, which is taken too.
  std::string_view take_line() {
    const auto line = take(rest_.substr(0, rest_.find('\n')).size());
    take(1);
    return line;
  }

  /// A little-endian number.
  template <class Number>
  Number take_number() {
    Number number;
    std::memcpy(&number, take(sizeof number).data(), sizeof number);
    return number;
  }

  double take_big_endian_double() { return std::bit_cast<double>(__builtin_bswap64(take_number<std::uint64_t>())); }

  /// Two's complement of any length up to eight bytes.
  std::int64_t take_long() {
    const auto bytes = take(take_number<std::uint8_t>());
    if (bytes.size() > sizeof(std::int64_t)) throw Malformed("an integer has more than 64 bits");
    const bool negative = !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80U) != 0;
    std::int64_t number = negative ? -1 : 0;
    std::memcpy(&number, bytes.data(), bytes.size());
    return number;
  }

 private:
  std::string_view rest_;
};

}  // namespace g2d::io::detail
