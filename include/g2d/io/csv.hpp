// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <csv.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/utf8.hpp>
#include <g2d/io/detail/file_bytes.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/table.hpp>

namespace g2d::io {

/// Settings of read_csv.
struct CsvOptions {
  char delimiter = ',';
  bool has_header = true;                   ///< The first row names the columns.
  std::vector<std::string> column_names{};  ///< Their names where it does not; empty: "0", "1", ...
};

namespace detail {

/// libcsv's parser, fed line by line so that rows know where they begin.
class CsvParser {
 public:
  explicit CsvParser(char delimiter) {
    csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL);
    csv_set_delim(&parser_, static_cast<unsigned char>(delimiter));
  }
  CsvParser(const CsvParser&) = delete;
  CsvParser& operator=(const CsvParser&) = delete;
  ~CsvParser() { csv_free(&parser_); }

  /// The rows of a text; blank lines make none. Errors: Malformed naming the line.
  std::vector<TableRow> parse(std::string_view text) {
    for (std::int64_t line = 1; !text.empty(); ++line) {
      const auto end = std::min(text.find('\n'), text.size() - 1) + 1;
      if (!is_in_row_) row_.line = line;
      is_in_row_ = true;
      if (csv_parse(&parser_, text.data(), end, add_cell, end_row, this) != end) {
        throw Malformed(
            fmt::format("line {}: expected a quoted cell to span all between two delimiters, with quotes "
                        "inside it doubled, got a stray quote",
                        line));
      }
      text.remove_prefix(end);
    }
    if (csv_fini(&parser_, add_cell, end_row, this) != 0) {
      throw Malformed(fmt::format("line {}: expected quotes in pairs, got one that is never closed", row_.line));
    }
    return std::move(rows_);
  }

 private:
  static void add_cell(void* text, std::size_t size, void* self) {
    static_cast<CsvParser*>(self)->row_.cells.emplace_back(static_cast<const char*>(text), size);
  }

  /// Also at the second character of a two-character line break and at blank lines.
  static void end_row(int, void* self) {
    auto& parser = *static_cast<CsvParser*>(self);
    parser.is_in_row_ = false;
    if (!parser.row_.cells.empty()) parser.rows_.push_back(std::exchange(parser.row_, {}));
  }

  csv_parser parser_{};
  std::vector<TableRow> rows_;
  TableRow row_;
  bool is_in_row_ = false;
};

/// Errors: Malformed naming the line of what is no UTF-8 text.
inline void check_is_text(std::string_view text) {
  const auto end = std::min(utf8_prefix(text), text.find('\0'));
  if (end >= text.size()) return;
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(end), '\n');
  const auto byte = static_cast<unsigned>(static_cast<unsigned char>(text[end]));
  throw Malformed(fmt::format(
      "line {}: expected UTF-8 text, got {}", line,
      byte == 0 ? std::string("a NUL byte") : fmt::format("the byte {:#04x}; save the file as UTF-8", byte)));
}

inline void check_csv_names(const std::vector<std::string>& names) {
  std::set<std::string_view> seen;
  for (const auto& name : names) {
    if (!seen.insert(name).second)
      throw Malformed(fmt::format("expected columns of different names, got \"{}\" twice", name));
  }
}

}  // namespace detail

/// Reads comma-separated values, or others: cells in quotes may hold delimiters, line breaks and doubled quotes; a byte
/// order mark, any line breaks and blank lines are passed over, as are blanks around cells that are not in quotes.
///
/// Errors     DataError naming the file and the line: a row with more or fewer cells than there are columns, a stray or
///            unclosed quote, text that is not UTF-8 or has a NUL byte (Latin-1, UTF-16), two columns of one name,
///            nothing in the file. ConfigError when the columns are named twice, or for a delimiter that CSV needs
///            itself.
[[nodiscard]] inline Table read_csv(const std::filesystem::path& path, const CsvOptions& options = {}) {
  constexpr std::string_view where = "io::read_csv";
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  constexpr std::int64_t largest_file = std::int64_t{1} << 30U;
  if (options.has_header && !options.column_names.empty()) {
    throw ConfigError(fmt::format("g2d: {}: expected column_names for no other file than one without header", where));
  }
  if (std::string_view("\"\r\n").find(options.delimiter) != std::string_view::npos) {
    throw ConfigError(fmt::format("g2d: {}: expected a delimiter other than quotes and line breaks", where));
  }
  const auto bytes = detail::read_file(where, path, largest_file);
  return detail::naming_the_file(where, path, [&] {
    auto text = std::string_view(bytes);
    if (text.starts_with(byte_order_mark)) text.remove_prefix(byte_order_mark.size());
    detail::check_is_text(text);
    auto rows = detail::CsvParser(options.delimiter).parse(text);
    if (rows.empty()) throw detail::Malformed("expected at least one line of values, got none");
    auto names = options.column_names;
    if (!options.has_header && names.empty()) {
      for (std::size_t column = 0; column < rows.front().cells.size(); ++column)
        names.push_back(fmt::to_string(column));
    } else if (options.has_header) {
      names = std::move(rows.front().cells);
      rows.erase(rows.begin());
    }
    detail::check_csv_names(names);
    for (const auto& row : rows) {
      if (row.cells.size() != names.size()) {
        throw detail::Malformed(
            fmt::format("line {}: expected {} cells, got {}", row.line, names.size(), row.cells.size()));
      }
    }
    return Table(path, std::move(names), std::move(rows));
  });
}

}  // namespace g2d::io
