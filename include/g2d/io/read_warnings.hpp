// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <unordered_set>
#include <vector>

namespace g2d::io {

/// What readers noticed about files that they read all the same.
struct ReadWarning {
  std::string kind;       ///< "JPEG with a warning".
  std::size_t num_files;  ///< A file counts once, however often it is read.
  std::string file;       ///< The first of them by name.
  std::string detail;     ///< What the decoder said of that file; may be empty.

  /// One line: how many, what, and the first file.
  [[nodiscard]] std::string str() const {
    return fmt::format("{} {}: {}, first {}{}", num_files, num_files == 1 ? "file" : "files", kind, file,
                       detail.empty() ? "" : fmt::format(" ({})", detail));
  }
};

/// Counts warnings by kind. Any thread may add.
///
/// Cost       memory: 8 bytes and a node of a hash table for each file that is warned of.
class ReadWarnings {
 public:
  void add(const std::string& kind, const std::filesystem::path& file, const std::string& detail = {}) {
    const std::scoped_lock lock(mutex_);
    auto& counted = by_kind_[kind];
    if (!counted.files.insert(std::hash<std::string>()(file.string())).second) return;
    if (counted.files.size() > 1 && file.string() > counted.first) return;
    counted.first = file.string();
    counted.detail = detail;
  }

  /// Of every kind that occurred, in the order of the kinds' names.
  [[nodiscard]] std::vector<ReadWarning> all() const {
    const std::scoped_lock lock(mutex_);
    std::vector<ReadWarning> warnings;
    for (const auto& [kind, counted] : by_kind_) {
      warnings.push_back({kind, counted.files.size(), counted.first, counted.detail});
    }
    return warnings;
  }

  void clear() {
    const std::scoped_lock lock(mutex_);
    by_kind_.clear();
  }

 private:
  struct Counted {
    std::unordered_set<std::size_t> files;
    std::string first;
    std::string detail;
  };

  mutable std::mutex mutex_;
  std::map<std::string, Counted> by_kind_;
};

/// The warnings of all readers of this process. The library prints none: a program asks for them, as the trainers do.
[[nodiscard]] inline ReadWarnings& read_warnings() {
  static ReadWarnings warnings;
  return warnings;
}

}  // namespace g2d::io
