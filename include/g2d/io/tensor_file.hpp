// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <filesystem>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/io/pt.hpp>
#include <g2d/io/safetensors.hpp>
#include <g2d/io/tensors.hpp>

namespace g2d::io {

namespace detail {

/// Whether the name ends in .safetensors rather than .pt or .pth. Errors: ConfigError for another ending.
inline bool is_safetensors(std::string_view where, const std::filesystem::path& path) {
  const auto extension = path.extension();
  if (extension != ".safetensors" && extension != ".pt" && extension != ".pth") {
    throw ConfigError(
        fmt::format("g2d: {}: {}: expected a name that ends in .safetensors, .pt or .pth", where, path.string()));
  }
  return extension == ".safetensors";
}

}  // namespace detail

/// The tensors of a .safetensors, .pt or .pth file. Errors: DataError; ConfigError for another ending.
[[nodiscard]] inline Tensors read_tensors(const std::filesystem::path& path) {
  return detail::is_safetensors("io::read_tensors", path) ? read_safetensors(path) : read_pt(path);
}

/// Writes in the form that the file's ending names. Errors: DataError; ConfigError for another ending.
inline void write_tensors(const Tensors& tensors, const std::filesystem::path& path) {
  detail::is_safetensors("io::write_tensors", path) ? write_safetensors(tensors, path) : write_pt(tensors, path);
}

}  // namespace g2d::io
