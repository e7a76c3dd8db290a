// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/lower_case.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/io/pt.hpp>
#include <g2d/io/safetensors.hpp>
#include <g2d/io/tensors.hpp>

namespace g2d::io {

namespace detail {

/// Whether the file holds safetensors rather than what torch.save writes: its content tells, whatever its name; where
/// it does not, the ending says which reader explains what is wrong.
inline bool holds_safetensors(const std::filesystem::path& path) {
  std::array<char, 9> head{};  // the header's length in eight bytes, then its JSON
  std::ifstream file(path, std::ios::binary);
  file.read(head.data(), head.size());
  const std::string_view found(head.data(), static_cast<std::size_t>(file.gcount()));
  if (found.size() == head.size() && found.back() == '{') return true;
  return !found.starts_with("PK\x03\x04") && lower_case_ending(path) == ".safetensors";
}

/// Whether the name asks for safetensors rather than for torch.save's form. Errors: ConfigError for another ending.
inline bool names_safetensors(const std::filesystem::path& path) {
  const auto name = lower_case(path.filename().string());
  if (name.ends_with(".safetensors")) return true;
  if (name.ends_with(".pt") || name.ends_with(".pth") || name.ends_with(".pth.tar") || name.ends_with(".bin")) {
    return false;
  }
  throw ConfigError(
      fmt::format("g2d: io::write_tensors: {}: expected a name that ends in .safetensors, .pt, .pth, .pth.tar or .bin",
                  path.string()));
}

}  // namespace detail

/// The tensors of a file of safetensors or of torch.save, told apart by content: model_best.pth.tar, pytorch_model.bin.
/// Errors: as read_safetensors and read_pt.
[[nodiscard]] inline Tensors read_tensors(const std::filesystem::path& path, const Wanted& is_wanted = {}) {
  return detail::holds_safetensors(path) ? read_safetensors(path, is_wanted) : read_pt(path, is_wanted);
}

/// Writes in the form that the file's ending names, in capitals or not: .safetensors, or torch.save's for .pt, .pth,
/// .pth.tar and .bin. Errors: as write_safetensors and write_pt; ConfigError for another ending.
inline void write_tensors(const Tensors& tensors, const std::filesystem::path& path) {
  detail::names_safetensors(path) ? write_safetensors(tensors, path) : write_pt(tensors, path);
}

}  // namespace g2d::io
