// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::io {
namespace detail {

/// An IDX file being read, plain or gzip (zlib's gzread reads both).
class IdxFile {
 public:
  explicit IdxFile(std::filesystem::path path) : path_(std::move(path)) {
    std::error_code error;
    file_size_ = std::filesystem::file_size(path_, error);
    if (error) fail("a readable file", error.message());
    file_.reset(gzopen(path_.c_str(), "rb"));
    if (!file_) fail("a readable file", "one that cannot be opened");
  }

  /// Fills `size` bytes, or throws.
  void read(std::uint8_t* bytes, std::uint64_t size) {
    for (std::uint64_t done = 0; done < size;) {
      const auto part = read_some(bytes + done, size - done);
      if (part == 0) fail(fmt::format("{} more bytes", size - done), "the end of the file; it is truncated");
      done += part;
    }
  }

  /// Throws unless everything has been read; for gzip this is also what verifies the checksum.
  void expect_end() {
    std::uint8_t extra = 0;
    if (read_some(&extra, 1) != 0) fail("the end of the file after the announced values", "more bytes");
  }

  /// The most bytes that a file of this size can hold: deflate packs at most 1032 bytes into one.
  [[nodiscard]] std::uint64_t capacity() const {
    constexpr std::uint64_t max_deflate_ratio = 1032;
    return gzdirect(file_.get()) != 0 ? file_size_ : max_deflate_ratio * file_size_;
  }

  [[noreturn]] void fail(const std::string& expected, const std::string& got) const {
    throw DataError(fmt::format("g2d: io::read_idx: {}: expected {}, got {}", path_.string(), expected, got));
  }

 private:
  std::uint64_t read_some(std::uint8_t* bytes, std::uint64_t size) {
    constexpr std::uint64_t max_request = 1U << 20U;
    const int part = gzread(file_.get(), bytes, static_cast<unsigned>(std::min(size, max_request)));
    int code = Z_OK;
    const char* reason = gzerror(file_.get(), &code);
    if (part < 0 || code == Z_BUF_ERROR) fail("readable data", reason);
    return static_cast<std::uint64_t>(part);
  }

  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };

  std::filesystem::path path_;
  std::uint64_t file_size_ = 0;
  std::unique_ptr<gzFile_s, Close> file_;
};

}  // namespace detail

/// Reads an IDX file of unsigned bytes, the format of MNIST: two zero bytes, the type 8, the rank, the sizes as
/// big-endian 32-bit integers, then the values. Plain or gzip, recognised by content.
///
/// Shapes     out: uint8, of `rank` sizes as the file announces them.
/// Errors     DataError naming the file and the reason: missing, not IDX, another type or rank, nothing in it, sizes
///            that a file of this length cannot hold (found before allocating), truncated, damaged, too long.
[[nodiscard]] inline at::Tensor read_idx(const std::filesystem::path& path, std::uint8_t rank) {
  detail::IdxFile file(path);
  std::array<std::uint8_t, 4> magic{};
  file.read(magic.data(), magic.size());
  const std::array<std::uint8_t, 4> expected{0, 0, 8, rank};
  if (magic != expected) {
    file.fail(fmt::format("an IDX file of unsigned bytes with {} dimensions, starting with {:02x}", rank,
                          fmt::join(expected, " ")),
              fmt::format("{:02x}", fmt::join(magic, " ")));
  }

  std::vector<std::int64_t> sizes;
  std::uint64_t count = 1;
  const std::uint64_t capacity = file.capacity();
  for (int dimension = 0; dimension < rank; ++dimension) {
    std::array<std::uint8_t, 4> bytes{};
    file.read(bytes.data(), bytes.size());
    std::uint64_t size = 0;
    for (const auto byte : bytes) size = size << 8U | byte;
    sizes.push_back(static_cast<std::int64_t>(size));
    if (size != 0 && count > capacity / size) {
      file.fail(fmt::format("no more values than the file can hold, at most {}", capacity),
                fmt::format("sizes {} and more", g2d::to_string(sizes)));
    }
    count *= size;
  }
  if (count == 0) file.fail("at least one value", fmt::format("sizes {}", g2d::to_string(sizes)));

  auto values = at::empty(sizes, at::kByte);
  file.read(values.mutable_data_ptr<std::uint8_t>(), count);
  file.expect_end();
  return values;
}

}  // namespace g2d::io
