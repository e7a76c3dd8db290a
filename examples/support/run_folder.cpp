// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "run_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <ctime>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/print.hpp>

namespace {

namespace fs = std::filesystem;

constexpr std::array<const char*, 3> result_files{"results.csv", "results.json", "student.safetensors"};

[[noreturn]] void refuse(const fs::path& folder, const std::string& expected, const std::string& got) {
  throw g2d::DataError(fmt::format("--out {}: expected {}, got: {}", folder.string(), expected, got));
}

[[nodiscard]] std::string reason(int error) { return std::generic_category().message(error); }

/// Whether the open file is still the one of that name: its last holder may have removed it.
[[nodiscard]] bool is_named(int descriptor, const fs::path& path) {
  struct stat open{}, named{};
  return ::fstat(descriptor, &open) == 0 && ::stat(path.c_str(), &named) == 0 && open.st_ino == named.st_ino &&
         open.st_dev == named.st_dev;
}

[[nodiscard]] std::string content(int descriptor) {
  std::array<char, 200> text{};
  const auto size = ::pread(descriptor, text.data(), text.size(), 0);
  return {text.data(), static_cast<std::size_t>(size > 0 ? size : 0)};
}

}  // namespace

void RunFolder::check(const std::string& folder) {
  std::error_code error;
  auto existing = fs::absolute(folder);
  while (!fs::exists(existing, error) && existing.has_relative_path()) existing = existing.parent_path();
  if (!fs::is_directory(existing, error)) refuse(folder, "a folder that can be made", existing.string() + " is a file");
  if (::access(existing.c_str(), W_OK | X_OK) != 0)
    refuse(folder, "a folder that can be written to", existing.string() + ": " + reason(errno));
  if (!fs::is_directory(folder, error)) return;
  for (const auto* name : result_files) const g2d::AtomicFile writable(fs::path(folder) / name);  // not committed
}

RunFolder::RunFolder(const std::string& folder) : folder_(folder), lock_file_(folder_ / "run.lock") {
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) refuse(folder_, "a folder that can be made", error.message());
  check(folder);
  lock();
  g2d::AtomicFile::remove_abandoned(folder_);
}

RunFolder::~RunFolder() {
  if (descriptor_ < 0) return;
  ::unlink(lock_file_.c_str());
  ::close(descriptor_);
}

void RunFolder::lock() {
  do {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = ::open(lock_file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (descriptor_ < 0) refuse(folder_, "a folder that can be written to", reason(errno));
    if (::flock(descriptor_, LOCK_EX | LOCK_NB) == 0) continue;
    const int error = errno;
    const auto holder = content(descriptor_);
    ::close(std::exchange(descriptor_, -1));
    if (error == EWOULDBLOCK) refuse(folder_, "a folder that no other run writes to; choose another", holder);
    g2d::print("warning: --out {}: cannot be locked ({}): two runs at a time would mix\n", folder_.string(),
               reason(error));
    return;
  } while (!is_named(descriptor_, lock_file_));
  const auto now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  std::array<char, 32> start{};
  std::strftime(start.data(), start.size(), "%Y-%m-%d %H:%M:%S", &local);
  const auto text = fmt::format("process {}, started {}", ::getpid(), start.data());
  if (::ftruncate(descriptor_, 0) == 0) (void)!::pwrite(descriptor_, text.data(), text.size(), 0);
}

void RunFolder::remove_results(bool keeps_teachers) const {
  for (const auto* name : result_files) fs::remove(folder_ / name);
  if (keeps_teachers) return;
  std::vector<fs::path> teachers;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    const auto name = entry.path().filename().string();
    if (name.starts_with("teacher-") && name.ends_with(".safetensors") && entry.is_regular_file())
      teachers.push_back(entry.path());
  }
  for (const auto& path : teachers) fs::remove(path);
}
