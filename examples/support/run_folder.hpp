// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <filesystem>
#include <string>

/// The folder of a run's results, held by this program alone: a lock that the system gives back when the program ends,
/// however it does.
class RunFolder {
 public:
  /// Whether results can be written there, as far as that can be found out without making anything.
  /// Errors     DataError naming --out.
  static void check(const std::string& folder);

  /// Makes the folder, takes the lock, and removes what runs that ended too early had half written.
  /// Errors     those of `check`; DataError naming the program that holds the folder.
  explicit RunFolder(const std::string& folder);

  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;
  ~RunFolder();

  /// Removes the results of an earlier run, so that two runs never mix. `keeps_teachers`: it is where they are read.
  void remove_results(bool keeps_teachers) const;

 private:
  void lock();

  std::filesystem::path folder_;
  std::filesystem::path lock_file_;
  int descriptor_ = -1;
};
