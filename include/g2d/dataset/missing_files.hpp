// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstddef>
#include <filesystem>
#include <string>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::dataset {

/// What happens to samples whose files are not there.
enum class MissingFiles {
  Refuse,  ///< An error that counts them and names the first ones.
  Drop,    ///< They are left out, with a warning that counts them.
};

/// Looks for the files of all samples before work starts: which samples have all of theirs.
///
///     const FileCheck check("dataset::read_cremad", MissingFiles::Drop);
///     kept = check.complete(names, files_of_each, warnings);
///
/// Errors     DataError when files are missing and that is refused, or no sample is complete.
class FileCheck {
 public:
  FileCheck(std::string where, MissingFiles missing_files) : where_(std::move(where)), missing_files_(missing_files) {}

  /// The positions of the samples whose files are all there. `files[i]`: what sample i needs.
  [[nodiscard]] std::vector<std::size_t> complete(const std::vector<std::string>& names,
                                                  const std::vector<std::vector<std::filesystem::path>>& files,
                                                  std::vector<std::string>& warnings) const {
    return complete(names, [&](std::size_t i) { return first_missing(files[i]); }, warnings);
  }

  /// The same where looking for one file after the other would take long. `missing(i)`: the first thing that sample i
  /// lacks, in words; empty where it has everything.
  template <class Missing>
    requires std::is_invocable_r_v<std::string, const Missing&, std::size_t>
  [[nodiscard]] std::vector<std::size_t> complete(const std::vector<std::string>& names, const Missing& missing,
                                                  std::vector<std::string>& warnings) const {
    std::vector<std::size_t> kept;
    std::string listed;
    std::size_t num_missing = 0;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const std::string lacking = missing(i);
      if (lacking.empty()) {
        kept.push_back(i);
      } else if (++num_missing <= num_shown) {
        listed += fmt::format("{}{} ({})", listed.empty() ? "" : ", ", names[i], lacking);
      }
    }
    if (num_missing == 0) return kept;
    const auto text = fmt::format("{} of {} samples lack files: {}{}", num_missing, names.size(), listed,
                                  num_missing > num_shown ? ", ..." : "");
    if (missing_files_ == MissingFiles::Refuse || kept.empty()) {
      throw DataError(
          fmt::format("g2d: {}: {}; look for them, or leave these samples out (MissingFiles::Drop)", where_, text));
    }
    warnings.push_back(fmt::format("{}: left out", text));
    return kept;
  }

 private:
  static constexpr std::size_t num_shown = 5;

  static std::string first_missing(const std::vector<std::filesystem::path>& files) {
    for (const auto& file : files) {
      std::error_code error;
      if (!std::filesystem::is_regular_file(file, error)) return file.string();
    }
    return {};
  }

  std::string where_;
  MissingFiles missing_files_;
};

}  // namespace g2d::dataset
