// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace g2d::io {

/// How the tensors of a file differ from those of a model: three lists of names, in the order of the model or the file.
struct KeyReport {
  std::vector<std::string> missing;     ///< The model has it, the file does not.
  std::vector<std::string> unexpected;  ///< The file has it, the model does not.
  /// Both have it in another shape, "conv1.weight [64, 3, 7, 7] for [64, 1, 7, 7]", or the file in complex numbers.
  std::vector<std::string> mismatched;

  [[nodiscard]] bool matches() const { return missing.empty() && unexpected.empty() && mismatched.empty(); }
};

/// "2 missing (fc.weight, fc.bias), 1 of another shape (...)": the first few of each list.
[[nodiscard]] inline std::string to_string(const KeyReport& report) {
  std::vector<std::string> parts;
  const auto add = [&parts](const std::vector<std::string>& names, std::string_view kind) {
    constexpr std::size_t shown = 3;
    if (names.empty()) return;
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(std::min(names.size(), shown));
    parts.push_back(fmt::format("{} {} ({}{})", names.size(), kind, fmt::join(names.begin(), end, ", "),
                                names.size() > shown ? ", ..." : ""));
  };
  add(report.missing, "missing");
  add(report.unexpected, "unexpected");
  add(report.mismatched, "of another shape");
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace g2d::io
