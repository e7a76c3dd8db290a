// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/Exception.h>
#include <fmt/format.h>

#include <cstdint>
#include <filesystem>
#include <stdexcept>
#include <string_view>
#include <system_error>

#include <g2d/core/error.hpp>

namespace g2d::io::detail {

/// What is wrong with a file, said by a parser that does not know the file's name.
class Malformed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(std::string_view where, const std::filesystem::path& path, std::string_view reason) {
  throw DataError(fmt::format("g2d: {}: {}: {}", where, path.string(), reason));
}

/// Size of a regular file in bytes. Errors: DataError.
inline std::int64_t file_size(std::string_view where, const std::filesystem::path& path) {
  std::error_code error;
  const auto status = std::filesystem::status(path, error);
  if (status.type() == std::filesystem::file_type::not_found) fail(where, path, "no such file");
  if (!std::filesystem::is_regular_file(status)) fail(where, path, "expected a regular file");
  const auto size = std::filesystem::file_size(path, error);
  if (error) fail(where, path, error.message());
  return static_cast<std::int64_t>(size);
}

/// `read()`; what it throws about the file's contents becomes a DataError that names the file.
template <class Read>
auto naming_the_file(std::string_view where, const std::filesystem::path& path, Read&& read) {
  try {
    return read();
  } catch (const Malformed& error) {
    fail(where, path, error.what());
  } catch (const c10::Error& error) {
    const std::string_view text = error.what_without_backtrace();
    fail(where, path, text.substr(0, text.find('\n')));
  }
}

}  // namespace g2d::io::detail
