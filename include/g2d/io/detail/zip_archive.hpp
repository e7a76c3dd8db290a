// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <zip.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <g2d/io/detail/file_error.hpp>

namespace g2d::io::detail {

struct ZipEntry {
  std::uint64_t index = 0;
  std::string name;
  std::uint64_t size = 0;  ///< Unpacked, as announced.
};

/// One file of an archive, being unpacked. Errors: Malformed.
class ZipMember {
 public:
  ZipMember(zip_t* archive, std::uint64_t index) : file_(zip_fopen_index(archive, index, 0)) {
    if (!file_) throw Malformed(zip_strerror(archive));
  }

  void read(void* bytes, std::uint64_t size) {
    auto* next = static_cast<char*>(bytes);
    while (size > 0) {
      const auto part = read_some(next, size);
      if (part == 0) throw Malformed(fmt::format("expected {} more bytes, got its end; it is truncated", size));
      next += part;
      size -= part;
    }
  }

  /// This is what compares the checksum.
  void expect_end() {
    char extra = 0;
    if (read_some(&extra, 1) != 0) throw Malformed("it holds more than it announces");
  }

 private:
  std::uint64_t read_some(char* bytes, std::uint64_t size) {
    constexpr std::uint64_t max_request = std::uint64_t{1} << 30U;
    const auto part = zip_fread(file_.get(), bytes, std::min(size, max_request));
    if (part < 0) throw Malformed(zip_file_strerror(file_.get()));
    return static_cast<std::uint64_t>(part);
  }

  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };
  std::unique_ptr<zip_file_t, Close> file_;
};

/// A zip archive whose announced sizes are possible: no member unpacks to more than 1032 times its packed bytes, which
/// is deflate's best, and the packed bytes of all fit into the file. Errors: Malformed.
class ZipArchive {
 public:
  ZipArchive(const std::filesystem::path& path, std::uint64_t file_size) {
    check_magic(path);
    int code = 0;
    archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (!archive_) throw Malformed(fmt::format("expected a zip archive, got {}", message(code)));
    const auto count = static_cast<std::uint64_t>(zip_get_num_entries(archive_.get(), 0));
    std::uint64_t unread = file_size;
    for (std::uint64_t index = 0; index < count; ++index) add(index, unread);
  }

  [[nodiscard]] const std::vector<ZipEntry>& entries() const { return entries_; }

  [[nodiscard]] ZipMember open(const ZipEntry& entry) const { return {archive_.get(), entry.index}; }

 private:
  /// libzip takes an empty file for an empty archive.
  static void check_magic(const std::filesystem::path& path) {
    std::string magic(4, '\0');
    std::ifstream(path, std::ios::binary).read(magic.data(), static_cast<std::streamsize>(magic.size()));
    if (magic != "PK\x03\x04") throw Malformed("expected a file of numpy.savez, got another format or no arrays");
  }

  static std::string message(int code) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string text = zip_error_strerror(&error);
    zip_error_fini(&error);
    return text;
  }

  void add(std::uint64_t index, std::uint64_t& unread) {
    constexpr zip_uint64_t wanted =
        ZIP_STAT_NAME | ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_ENCRYPTION_METHOD;
    constexpr std::uint64_t best_ratio = 1032;
    zip_stat_t stat;
    zip_stat_init(&stat);
    if (zip_stat_index(archive_.get(), index, 0, &stat) != 0 || (stat.valid & wanted) != wanted) {
      throw Malformed(fmt::format("member {}: {}", index, zip_strerror(archive_.get())));
    }
    const auto refuse = [&stat](const std::string& reason) {
      throw Malformed(fmt::format("member \"{}\": {}", stat.name, reason));
    };
    if (stat.encryption_method != ZIP_EM_NONE) refuse("it is encrypted; write it without a password");
    if (stat.comp_method != ZIP_CM_STORE && stat.comp_method != ZIP_CM_DEFLATE) {
      refuse(fmt::format("expected it stored or deflated, got compression method {}", stat.comp_method));
    }
    if (stat.comp_size > unread)
      refuse(fmt::format("expected it within the file, got {} packed bytes", stat.comp_size));
    unread -= stat.comp_size;
    const bool is_possible =
        stat.comp_method == ZIP_CM_STORE ? stat.size == stat.comp_size : stat.size / best_ratio <= stat.comp_size;
    if (!is_possible) {
      refuse(fmt::format("{} packed bytes cannot hold the {} bytes it announces", stat.comp_size, stat.size));
    }
    entries_.push_back({index, stat.name, stat.size});
  }

  struct Discard {
    void operator()(zip_t* archive) const { zip_discard(archive); }
  };
  std::unique_ptr<zip_t, Discard> archive_;
  std::vector<ZipEntry> entries_;
};

}  // namespace g2d::io::detail
