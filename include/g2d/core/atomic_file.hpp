// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d {

/// A file that appears whole or not at all: written beside its target under another name, flushed to the disk, renamed.
///
///     AtomicFile file("weights.safetensors");
///     file.write(data, size);
///     file.commit();
///
/// Whatever fails, and without `commit()`, the target stays as it was and nothing is left beside it.
/// Errors     DataError naming the target and the system's reason, from the constructor (folder missing, no rights,
///            target not a regular file), from `reserve()`, `check()` and `commit()` (disk full).
class AtomicFile {
 public:
  explicit AtomicFile(const std::filesystem::path& path) : path_(path) {
    struct stat old{};
    const bool exists = ::stat(path_.c_str(), &old) == 0;
    if (exists && !S_ISREG(old.st_mode)) fail("expected a regular file to replace, got something else");
    if (exists && ::access(path_.c_str(), W_OK) != 0) fail(reason(errno));
    // A link stays one: what it points at is replaced.
    if (exists) path_ = std::filesystem::canonical(path_);
    open();
    if (exists) ::fchmod(descriptor_, old.st_mode & 07777);
  }

  /// Removes what programs that were killed had half written in a folder: files of this class's temporary names whose
  /// process is no more. What cannot be removed stays. Only for a folder that no other machine writes to.
  static void remove_abandoned(const std::filesystem::path& folder) {
    std::error_code error;
    std::vector<std::filesystem::path> abandoned;
    for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
      const auto process = process_of(entry.path().filename().string());
      if (process && entry.is_regular_file(error) && ::kill(*process, 0) != 0 && errno == ESRCH)
        abandoned.push_back(entry.path());
    }
    for (const auto& path : abandoned) std::filesystem::remove(path, error);
  }

  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  ~AtomicFile() {
    close();
    if (!committed_) ::unlink(temporary_.c_str());
  }

  /// Takes room for so many bytes, zeros until they are written: a full disk shows before the work that fills the file.
  void reserve(std::size_t size) {
    error_ = ::posix_fallocate(descriptor_, 0, static_cast<off_t>(size));
    check();
  }

  /// Never throws, so that C code may call it: after the first error it writes nothing more, and `commit()` reports it.
  void write(const void* data, std::size_t size) noexcept {
    write_at(position_, data, size);
    position_ += size;
  }

  /// The same at a place of its own, from which `write` does not go on.
  void write_at(std::size_t position, const void* data, std::size_t size) noexcept {
    const auto* next = static_cast<const char*>(data);
    while (size > 0 && error_ == 0) {
      const auto written = ::pwrite(descriptor_, next, size, static_cast<off_t>(position));
      if (written < 0) {
        if (errno != EINTR) error_ = errno;
        continue;
      }
      next += written;
      size -= static_cast<std::size_t>(written);
      position += static_cast<std::size_t>(written);
    }
  }

  /// Reports what went wrong up to now, before more work is done in vain.
  void check() const {
    if (error_ != 0) fail(reason(error_));
  }

  void write(std::string_view text) noexcept { write(text.data(), text.size()); }

  void commit() {
    if (error_ == 0 && ::fsync(descriptor_) != 0) error_ = errno;
    close();
    if (error_ == 0 && ::rename(temporary_.c_str(), path_.c_str()) != 0) error_ = errno;
    check();
    committed_ = true;
    flush_folder();
  }

 private:
  static std::string reason(int error) { return std::generic_category().message(error); }

  [[noreturn]] void fail(std::string_view reason) const {
    throw DataError(fmt::format("g2d: AtomicFile: {}: cannot be written: {}", path_.string(), reason));
  }

  /// Which process gave a file its temporary name, "target.PROCESS-COUNT.part"; nothing for other names.
  static std::optional<pid_t> process_of(std::string_view name) {
    constexpr std::string_view ending = ".part";
    if (!name.ends_with(ending)) return std::nullopt;
    name.remove_suffix(ending.size());
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    name.remove_prefix(dot + 1);
    pid_t process = 0;
    const auto read = std::from_chars(name.data(), name.data() + name.size(), process);
    const std::string_view rest(read.ptr, static_cast<std::size_t>(name.data() + name.size() - read.ptr));
    const bool is_ours = read.ec == std::errc() && process > 0 && rest.size() > 1 && rest[0] == '-' &&
                         rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
    return is_ours ? std::optional(process) : std::nullopt;
  }

  void open() {
    static std::atomic<unsigned> count = 0;
    do {
      temporary_ = path_;
      temporary_ += fmt::format(".{}-{}.part", ::getpid(), count++);
      descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (descriptor_ < 0 && errno == EEXIST);
    if (descriptor_ < 0) fail(reason(errno));
  }

  void close() noexcept {
    if (descriptor_ >= 0 && ::close(descriptor_) != 0 && error_ == 0) error_ = errno;
    descriptor_ = -1;
  }

  /// The file is in place already; this makes its name survive a power cut too.
  void flush_folder() const noexcept {
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return;
    ::fsync(descriptor);
    ::close(descriptor);
  }

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  std::size_t position_ = 0;
  int error_ = 0;
  bool committed_ = false;
};

}  // namespace g2d
