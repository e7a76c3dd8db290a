// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/io/detail/host_tensor.hpp>
#include <g2d/io/detail/npy_header.hpp>

namespace g2d::io {
namespace detail {

/// What stands before the values: format version 1.0, padded so that they begin at a multiple of 64 bytes.
inline std::string npy_head_of(std::string_view where, at::ScalarType dtype, at::IntArrayRef shape) {
  const auto* known =
      std::find_if(npy_dtypes.begin(), npy_dtypes.end(), [&](const auto& entry) { return entry.second == dtype; });
  if (known == npy_dtypes.end()) {
    throw ShapeError(fmt::format("g2d: {}: expected a dtype that NumPy has, got {}", where, c10::toString(dtype)));
  }
  constexpr std::string_view magic("\x93NUMPY\x01\x00", 8);
  constexpr std::size_t length_bytes = 2;
  constexpr std::size_t alignment = 64;
  auto dict = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}{}), }}",
                          c10::elementSize(dtype) == 1 ? '|' : '<', known->first,
                          fmt::join(shape.begin(), shape.end(), ", "), shape.size() == 1 ? "," : "");
  const auto unpadded = magic.size() + length_bytes + dict.size() + 1;
  dict.append((alignment - unpadded % alignment) % alignment, ' ').push_back('\n');
  if (dict.size() > 0xFFFFU)
    throw ShapeError(fmt::format("g2d: {}: expected a smaller rank, got {}", where, shape.size()));
  std::string head(magic);
  head += static_cast<char>(dict.size() & 0xFFU);
  head += static_cast<char>(dict.size() >> 8U);
  return head + dict;
}

}  // namespace detail

/// Writes an .npy file part by part, so that an array need not fit into memory; it appears whole or not at all.
///
///     NpyWriter writer("train_data.npy", at::kByte, {60000, 112, 112});
///     while (...) writer.append(rows);   // uint8 [n, 112, 112]
///     writer.commit();
///
/// Errors     ShapeError for a dtype that NumPy lacks, parts of another dtype or shape, more or fewer rows than
///            announced; DataError when the file cannot be written.
class NpyWriter {
 public:
  /// `shape` has at least one dimension: the first counts the rows.
  NpyWriter(const std::filesystem::path& path, at::ScalarType dtype, std::vector<std::int64_t> shape)
      : dtype_(dtype), shape_(std::move(shape)), file_(path) {
    file_.write(detail::npy_head_of(where, dtype_, shape_));
  }

  void append(const at::Tensor& rows) {
    const bool fits =
        rows.defined() && rows.scalar_type() == dtype_ && rows.dim() == static_cast<std::int64_t>(shape_.size()) &&
        rows.sizes().slice(1) == at::IntArrayRef(shape_).slice(1) && num_rows_ + rows.size(0) <= shape_[0];
    if (!fits) {
      throw ShapeError(fmt::format(
          "g2d: {}: expected parts of {} {}, got {} after {} rows", where, c10::toString(dtype_),
          g2d::to_string(shape_),
          rows.defined() ? fmt::format("{} {}", c10::toString(rows.scalar_type()), g2d::to_string(rows.sizes()))
                         : "no tensor",
          num_rows_));
    }
    const auto host = detail::to_host(where, "rows", rows);
    file_.write(host.const_data_ptr(), host.nbytes());
    num_rows_ += rows.size(0);
  }

  void commit() {
    if (num_rows_ != shape_[0]) {
      throw ShapeError(fmt::format("g2d: {}: expected {} rows as announced, got {}", where, shape_[0], num_rows_));
    }
    file_.commit();
  }

 private:
  static constexpr std::string_view where = "io::NpyWriter";

  at::ScalarType dtype_;
  std::vector<std::int64_t> shape_;
  AtomicFile file_;
  std::int64_t num_rows_ = 0;
};

/// Writes a tensor of one dimension or more as numpy.save does. Errors: as NpyWriter.
inline void write_npy(const std::filesystem::path& path, const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.dim() == 0) {
    throw ShapeError(fmt::format("g2d: io::write_npy: expected a tensor of one dimension or more, got {}",
                                 tensor.defined() ? "a single number" : "no tensor"));
  }
  NpyWriter writer(path, tensor.scalar_type(), tensor.sizes().vec());
  writer.append(tensor);
  writer.commit();
}

}  // namespace g2d::io
