// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include <g2d/core/error.hpp>

namespace g2d {

/// Writes to a neighbour file and renames it on commit: readers see the old file or the whole new one. Without a commit the
/// neighbour is removed and the old file stays as it was.
///
/// Errors     DataError naming the file and the system's reason: no rights, no folder, disk full.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path) : path_(std::move(path)), temporary_(path_) {
    temporary_ += fmt::format(".{}.tmp", ::getpid());
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (descriptor_ < 0) fail("created");
  }
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  ~AtomicFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!is_committed_ && descriptor_ >= 0) ::unlink(temporary_.c_str());
  }

  void write(const void* bytes, std::int64_t size) {
    const auto* next = static_cast<const char*>(bytes);
    while (size > 0) {
      const auto written = ::write(descriptor_, next, static_cast<std::size_t>(size));
      if (written < 0 && errno == EINTR) continue;
      if (written <= 0) fail("written");
      next += written;
      size -= written;
      position_ += written;
    }
  }

  /// Zeros up to the next multiple of `alignment` bytes.
  void pad_to(std::int64_t alignment) {
    static constexpr std::array<char, 64> zeros{};
    for (auto missing = (alignment - position_ % alignment) % alignment; missing > 0;) {
      const auto count = std::min(missing, static_cast<std::int64_t>(zeros.size()));
      write(zeros.data(), count);
      missing -= count;
    }
  }

  void commit() {
    if (::fsync(descriptor_) != 0) fail("written");
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("put in place");
    is_committed_ = true;
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    const std::string reason = std::strerror(errno);
    throw DataError(fmt::format("g2d: file {}: expected a file that can be {}, got: {}; what was there before is unchanged",
                                path_.string(), what, reason));
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::int64_t position_ = 0;
  bool is_committed_ = false;
};

}  // namespace g2d
