// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_file.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

#include <g2d/core/error.hpp>

namespace g2d {

/// A table in host memory that the system may keep on disk: mapped from a file that has no name any more, and is gone
/// with it.
///
/// Errors     DataError, of `where` and with a `remedy`, when the system's folder for temporary files takes none, or
///            has no room: a full disk would otherwise end the program when a row is written.
[[nodiscard]] inline at::Tensor make_unlinked_table(at::IntArrayRef sizes, at::ScalarType dtype, std::string_view where,
                                                    std::string_view remedy) {
  auto name = (std::filesystem::temp_directory_path() / "g2d-table-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  const auto count = c10::multiply_integers(sizes);
  const auto bytes = count * static_cast<std::int64_t>(c10::elementSize(dtype));
  const bool has_room = descriptor >= 0 && ::posix_fallocate(descriptor, 0, bytes) == 0;
  if (descriptor >= 0) ::close(descriptor);
  if (!has_room) {
    std::error_code error;
    std::filesystem::remove(name, error);
    throw DataError(fmt::format("g2d: {}: expected a folder that takes a file of {} bytes, got {}; set TMPDIR, or {}",
                                where, bytes, std::filesystem::path(name).parent_path().string(), remedy));
  }
  const auto table = at::from_file(name, /*shared=*/true, count, dtype);
  std::filesystem::remove(name);
  return table.view(sizes);
}

}  // namespace g2d
