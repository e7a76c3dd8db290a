// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_file.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string_view>

#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/npy_header.hpp>

namespace g2d::io {

namespace detail {

inline at::Tensor map_npy(std::string_view where, const std::filesystem::path& path) {
  const auto size = file_size(where, path);
  return naming_the_file(where, path, [&] {
    if (size < static_cast<std::int64_t>(npy_preamble)) {
      throw Malformed(fmt::format("expected a file of numpy.save, got {} bytes", size));
    }
    const auto file = at::from_file(path.string(), /*shared=*/false, size, at::kByte);
    const auto* data = reinterpret_cast<const char*>(file.const_data_ptr<std::uint8_t>());
    const auto head = npy_head({data, npy_preamble});
    const auto data_begin = static_cast<std::int64_t>(head.size);
    if (data_begin > size) {
      throw Malformed(fmt::format("expected a header of {} bytes, got {}; the file is truncated", head.size, size));
    }
    const auto header = parse_npy_header({data + head.dict_begin, head.size - head.dict_begin},
                                         static_cast<std::uint64_t>(size - data_begin));
    return npy_view(header, file.narrow(0, data_begin, size - data_begin));
  });
}

}  // namespace detail

/// The array of an .npy file without reading it: a page comes from the disk when it is first looked at, so that arrays
/// larger than the memory can be used. Writing to the tensor does not change the file. Fortran order becomes strides.
///
/// Dtypes     b1 u1 i1 i2 i4 i8 u2 u4 u8 f2 f4 f8 c8 c16, little-endian; b1 is copied, as is data that is not aligned.
/// Errors     DataError naming the file and what is wrong; the size is compared with the header's shape first.
///            Python objects are refused: reading them would run the file's code.
[[nodiscard]] inline at::Tensor map_npy(const std::filesystem::path& path) {
  return detail::map_npy("io::map_npy", path);
}

/// The same array in memory of its own, contiguous. Errors: as map_npy.
[[nodiscard]] inline at::Tensor read_npy(const std::filesystem::path& path) {
  constexpr std::string_view where = "io::read_npy";
  const auto mapped = detail::map_npy(where, path);
  return detail::naming_the_file(where, path, [&] { return mapped.clone(at::MemoryFormat::Contiguous); });
}

}  // namespace g2d::io
