// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/safe_numerics.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/io/detail/file_error.hpp>

/// NumPy's .npy: a magic word, a version, the length of a Python dict {'descr', 'fortran_order', 'shape'}, the values.
namespace g2d::io::detail {

static_assert(std::endian::native == std::endian::little, "NumPy's files are read little-endian");

inline constexpr std::array<std::pair<std::string_view, at::ScalarType>, 14> npy_dtypes{{{"b1", at::kBool},
                                                                                         {"u1", at::kByte},
                                                                                         {"i1", at::kChar},
                                                                                         {"i2", at::kShort},
                                                                                         {"i4", at::kInt},
                                                                                         {"i8", at::kLong},
                                                                                         {"u2", at::kUInt16},
                                                                                         {"u4", at::kUInt32},
                                                                                         {"u8", at::kUInt64},
                                                                                         {"f2", at::kHalf},
                                                                                         {"f4", at::kFloat},
                                                                                         {"f8", at::kDouble},
                                                                                         {"c8", at::kComplexFloat},
                                                                                         {"c16", at::kComplexDouble}}};

struct NpyHeader {
  at::ScalarType dtype = at::kFloat;
  std::vector<std::int64_t> shape;
  bool is_fortran = false;      ///< The first index runs fastest.
  std::int64_t data_bytes = 0;  ///< What dtype and shape take.
};

/// Bytes that tell how long the rest of the head is; the shortest file has more.
inline constexpr std::size_t npy_preamble = 12;

/// Where the dict begins and where the values do.
struct NpyHead {
  std::size_t dict_begin;
  std::size_t size;
};

/// From the file's first `npy_preamble` bytes. Errors: Malformed.
inline NpyHead npy_head(std::string_view preamble) {
  constexpr std::string_view magic = "\x93NUMPY";
  constexpr std::size_t longest = std::size_t{1} << 20U;
  if (preamble.size() < npy_preamble || !preamble.starts_with(magic)) {
    throw Malformed("expected a file of numpy.save, got another format");
  }
  const unsigned version = static_cast<unsigned char>(preamble[magic.size()]);
  if (version < 1 || version > 3) throw Malformed(fmt::format("expected format version 1, 2 or 3, got {}", version));
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  const auto length_begin = magic.size() + 2;
  std::uint32_t length = 0;
  std::memcpy(&length, preamble.data() + length_begin, length_bytes);
  if (length > longest) throw Malformed(fmt::format("expected a header of at most {} bytes, got {}", longest, length));
  const auto dict_begin = length_begin + length_bytes;
  return {dict_begin, std::max(dict_begin + length, npy_preamble)};
}

/// Reads the Python dict of a header: texts, True, False and tuples of integers, nothing else.
class NpyHeaderParser {
 public:
  explicit NpyHeaderParser(std::string_view text) : rest_(text) {}

  NpyHeader parse() {
    expect('{');
    while (!accept('}')) {
      const auto key = take_text();
      expect(':');
      if (key == "descr") {
        take_once(dtype_, key, [this] { return take_dtype(); });
      } else if (key == "fortran_order") {
        take_once(is_fortran_, key, [this] { return take_bool(); });
      } else if (key == "shape") {
        take_once(shape_, key, [this] { return take_shape(); });
      } else {
        throw Malformed(fmt::format("its header has an unknown key \"{}\"", key));
      }
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    skip_spaces();
    if (!rest_.empty()) throw Malformed("its header does not end with the dict");
    if (!dtype_ || !is_fortran_ || !shape_) throw Malformed("its header lacks descr, fortran_order or shape");
    return {*dtype_, *shape_, *is_fortran_, data_bytes()};
  }

 private:
  template <class T, class Take>
  static void take_once(std::optional<T>& value, std::string_view key, Take&& take) {
    if (value) throw Malformed(fmt::format("its header names \"{}\" twice", key));
    value = take();
  }

  void skip_spaces() { rest_.remove_prefix(std::min(rest_.find_first_not_of(" \n"), rest_.size())); }

  bool accept(std::string_view word) {
    skip_spaces();
    if (!rest_.starts_with(word)) return false;
    rest_.remove_prefix(word.size());
    return true;
  }
  bool accept(char mark) { return accept(std::string_view(&mark, 1)); }

  void expect(char mark) {
    if (!accept(mark)) {
      throw Malformed(fmt::format("expected '{}' in its header, got \"{}\"", mark, rest_.substr(0, 20)));
    }
  }

  std::string_view take_text() {
    const char quote = accept('"') ? '"' : '\'';
    if (quote == '\'') expect(quote);
    const auto text = rest_.substr(0, rest_.find(quote));
    rest_.remove_prefix(text.size());
    expect(quote);
    return text;
  }

  bool take_bool() {
    if (accept("True")) return true;
    if (accept("False")) return false;
    throw Malformed(fmt::format("expected True or False in its header, got \"{}\"", rest_.substr(0, 20)));
  }

  at::ScalarType take_dtype() {
    if (accept('[')) throw Malformed("it holds records of several fields; save each field as an array of its own");
    const auto descr = take_text();
    const auto kind = descr.substr(std::min<std::size_t>(1, descr.size()));
    if (kind.starts_with('O')) {
      throw Malformed("it holds Python objects (pickle); convert it with tools/convert_features.py");
    }
    const auto* known = std::find_if(npy_dtypes.begin(), npy_dtypes.end(),
                                     [kind](const auto& candidate) { return candidate.first == kind; });
    if (known == npy_dtypes.end()) throw Malformed(fmt::format("dtype \"{}\" is not supported", descr));
    if (descr.front() == '>' && c10::elementSize(known->second) > 1) {
      throw Malformed("it is big-endian; in Python: numpy.save(path, array.astype(array.dtype.newbyteorder('<')))");
    }
    if (std::string_view("<|=>").find(descr.front()) == std::string_view::npos) {
      throw Malformed(fmt::format("dtype \"{}\" is not supported", descr));
    }
    return known->second;
  }

  std::vector<std::int64_t> take_shape() {
    constexpr std::size_t most_dimensions = 64;  // NumPy's limit, and LibTorch's
    std::vector<std::int64_t> shape;
    expect('(');
    while (!accept(')')) {
      skip_spaces();
      std::int64_t size = 0;
      const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), size);
      if (error != std::errc() || size < 0) {
        throw Malformed(fmt::format("expected a shape of integers >= 0, got \"{}\"", rest_.substr(0, 20)));
      }
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
      accept('L');  // Python 2's long
      shape.push_back(size);
      if (shape.size() > most_dimensions) throw Malformed("its shape has more than 64 dimensions");
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return shape;
  }

  /// Also what the sizes beside a 0 would need must not overflow: strides are made of them.
  [[nodiscard]] std::int64_t data_bytes() const {
    auto bytes = static_cast<std::int64_t>(c10::elementSize(*dtype_));
    bool is_empty = false;
    for (const auto size : *shape_) {
      is_empty = is_empty || size == 0;
      if (c10::mul_overflows(bytes, std::max<std::int64_t>(size, 1), &bytes)) throw Malformed("its shape overflows");
    }
    return is_empty ? 0 : bytes;
  }

  std::string_view rest_;
  std::optional<at::ScalarType> dtype_;
  std::optional<bool> is_fortran_;
  std::optional<std::vector<std::int64_t>> shape_;
};

/// `dict`: the text between preamble and values; `data_bytes`: how many bytes of values follow it. Errors: Malformed.
inline NpyHeader parse_npy_header(std::string_view dict, std::uint64_t data_bytes) {
  auto header = NpyHeaderParser(dict).parse();
  if (static_cast<std::uint64_t>(header.data_bytes) != data_bytes) {
    throw Malformed(
        fmt::format("expected {} bytes of values as its header announces, got {}", header.data_bytes, data_bytes));
  }
  return header;
}

/// The bytes of the values as the tensor that the header describes: a view, or a copy where they are not aligned, or
/// are truth values, of which a file may hold other than 0 and 1.
inline at::Tensor npy_view(const NpyHeader& header, const at::Tensor& bytes) {
  const auto width = static_cast<std::int64_t>(c10::elementSize(header.dtype));
  const auto aligned = bytes.storage_offset() % width == 0 ? bytes : bytes.clone();
  const auto values = header.dtype == at::kBool ? aligned.ne(0) : aligned.view(header.dtype);
  if (!header.is_fortran) return values.view(header.shape);
  const std::vector<std::int64_t> reversed(header.shape.rbegin(), header.shape.rend());
  std::vector<std::int64_t> order(reversed.size());
  for (std::size_t d = 0; d < order.size(); ++d) order[d] = static_cast<std::int64_t>(order.size() - 1 - d);
  return values.view(reversed).permute(order);
}

}  // namespace g2d::io::detail
