// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace g2d::report {

/// A table for terminals that is Markdown too. The first column is left-aligned, the others right-aligned.
class TextTable {
 public:
  explicit TextTable(std::vector<std::string> head) : rows_{std::move(head)} {}

  void add(std::vector<std::string> row) {
    row.resize(rows_[0].size());
    rows_.push_back(std::move(row));
  }

  [[nodiscard]] std::string str() const {
    std::string text = line(rows_[0]);
    for (std::size_t column = 0; column < rows_[0].size(); ++column) {
      const auto dashes = width(column) + 1;
      text += column == 0 ? fmt::format("|{:-<{}}-", "", dashes) : fmt::format("|{:-<{}}:", "", dashes);
    }
    text += "|\n";
    for (std::size_t i = 1; i < rows_.size(); ++i) text += line(rows_[i]);
    return text;
  }

 private:
  /// Characters, not bytes: continuation bytes of UTF-8 do not count.
  static std::size_t characters(const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  }

  [[nodiscard]] std::size_t width(std::size_t column) const {
    std::size_t widest = 0;
    for (const auto& row : rows_) widest = std::max(widest, characters(row[column]));
    return widest;
  }

  [[nodiscard]] std::string line(const std::vector<std::string>& row) const {
    std::string text;
    for (std::size_t column = 0; column < row.size(); ++column) {
      const std::string padding(width(column) - characters(row[column]), ' ');
      text += column == 0 ? fmt::format("| {}{} ", row[column], padding) : fmt::format("| {}{} ", padding, row[column]);
    }
    return text + "|\n";
  }

  std::vector<std::vector<std::string>> rows_;
};

}  // namespace g2d::report
