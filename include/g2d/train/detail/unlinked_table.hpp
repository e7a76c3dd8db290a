// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/from_file.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include <g2d/core/error.hpp>

namespace g2d::detail {

/// A table in host memory that the system may keep on disk: mapped from a file that has no name any more, and is gone with it.
///
/// Errors     DataError when the system's folder for temporary files takes none.
[[nodiscard]] inline at::Tensor make_unlinked_table(at::IntArrayRef sizes, at::ScalarType dtype) {
  auto name = (std::filesystem::temp_directory_path() / "g2d-features-XXXXXX").string();
  const int descriptor = ::mkstemp(name.data());
  if (descriptor < 0) {
    throw DataError(fmt::format("g2d: Trainer: expected a folder that takes a file of features, got {}; set TMPDIR, or raise "
                                "feature_memory_bytes", std::filesystem::path(name).parent_path().string()));
  }
  ::close(descriptor);
  const auto table = at::from_file(name, /*shared=*/true, c10::multiply_integers(sizes), dtype);
  std::filesystem::remove(name);
  return table.view(sizes);
}

}  // namespace g2d::detail
