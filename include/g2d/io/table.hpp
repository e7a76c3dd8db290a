// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/nearest_name.hpp>
#include <g2d/io/cell.hpp>

namespace g2d::io {

/// One row of a table.
struct TableRow {
  std::vector<std::string> cells;
  std::int64_t line = 0;  ///< Where it begins in its file, counted from 1.
};

/// Rows of text under named columns, which know where they were read.
class Table {
 public:
  /// Each row has a cell for each column.
  Table(std::filesystem::path path, std::vector<std::string> column_names, std::vector<TableRow> rows)
      : path_(std::move(path)), column_names_(std::move(column_names)), rows_(std::move(rows)) {}

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] const std::vector<std::string>& column_names() const { return column_names_; }
  [[nodiscard]] std::size_t num_rows() const { return rows_.size(); }
  [[nodiscard]] const std::string& cell(std::size_t row, std::size_t column) const { return rows_[row].cells[column]; }

  /// "train.csv: line 12": begins every message about a row.
  [[nodiscard]] std::string location(std::size_t row) const {
    return fmt::format("{}: line {}", path_.string(), line(row));
  }

  /// Where a row begins in its file, counted from 1.
  [[nodiscard]] std::int64_t line(std::size_t row) const { return rows_[row].line; }

  /// The rows from `first` on.
  [[nodiscard]] Table rows_from(std::size_t first) const {
    return {path_, column_names_, {rows_.begin() + static_cast<std::ptrdiff_t>(first), rows_.end()}};
  }

  [[nodiscard]] bool has_column(std::string_view name) const { return find(name) != column_names_.end(); }

  /// The position of a column. DataError naming the file, its columns and the nearest one when there is none of that
  /// name.
  [[nodiscard]] std::size_t column(std::string_view name) const {
    const auto found = find(name);
    if (found == column_names_.end()) {
      throw DataError(fmt::format("g2d: io::Table: {}: expected a column \"{}\", got [{}]{}", path_.string(), name,
                                  fmt::join(column_names_, ", "), suggestion(name)));
    }
    return static_cast<std::size_t>(found - column_names_.begin());
  }

  /// A column as float64 [N]; NaN where the cell has no value (is_missing).
  ///
  /// Errors     DataError naming file, line and cell for any other text that is not one finite number; as column().
  [[nodiscard]] at::Tensor numbers(std::string_view name) const {
    const auto index = column(name);
    auto values = at::empty({static_cast<std::int64_t>(rows_.size())}, at::kDouble);
    auto* value = values.mutable_data_ptr<double>();
    for (std::size_t row = 0; row < rows_.size(); ++row) value[row] = number(row, index);
    return values;
  }

 private:
  [[nodiscard]] std::vector<std::string>::const_iterator find(std::string_view name) const {
    return std::find(column_names_.begin(), column_names_.end(), name);
  }

  [[nodiscard]] std::string suggestion(std::string_view name) const {
    return column_names_.empty() ? "" : fmt::format("; the nearest is \"{}\"", nearest_name(name, column_names_));
  }

  [[nodiscard]] double number(std::size_t row, std::size_t column) const {
    const auto& text = cell(row, column);
    if (is_missing(text)) return std::numeric_limits<double>::quiet_NaN();
    const auto value = parse_number(text);
    if (!value) {
      throw DataError(fmt::format("g2d: io::Table: {}: column \"{}\": expected a number or nothing, got \"{}\"",
                                  location(row), column_names_[column], text));
    }
    return *value;
  }

  std::filesystem::path path_;
  std::vector<std::string> column_names_;
  std::vector<TableRow> rows_;
};

}  // namespace g2d::io
