// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <g2d/io/detail/file_bytes.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/table.hpp>

namespace g2d::io {

namespace detail {

/// Walks over a text and counts its lines.
class LineCountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  LineCountingIterator(const char* at, std::int64_t* line) : at_(at), line_(line) {}

  reference operator*() const { return *at_; }
  LineCountingIterator& operator++() {
    if (*at_++ == '\n') ++*line_;
    return *this;
  }
  bool operator==(const LineCountingIterator& other) const { return at_ == other.at_; }

 private:
  const char* at_;
  std::int64_t* line_;
};

/// Receives a JSON text piece by piece and keeps what a table holds: an array of objects of simple values.
/// Errors: Malformed.
class JsonTableBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  /// `line`: where the text is being read.
  JsonTableBuilder(std::size_t text_bytes, const std::int64_t& line)
      : most_cells_(std::max(text_bytes, std::size_t{1} << 20U)), line_(line) {}

  /// The names of the columns and the rows, all of one length.
  std::pair<std::vector<std::string>, std::vector<TableRow>> finish() {
    if (rows_.empty()) throw Malformed("expected at least one object, got none");
    check_size();
    for (auto& row : rows_) row.cells.resize(column_names_.size());
    return {std::move(column_names_), std::move(rows_)};
  }

  bool null() override { return set("", "null"); }
  bool boolean(bool value) override { return set(value ? "true" : "false", "a boolean"); }
  bool number_integer(number_integer_t value) override { return set(fmt::to_string(value), "a number"); }
  bool number_unsigned(number_unsigned_t value) override { return set(fmt::to_string(value), "a number"); }
  bool number_float(number_float_t, const string_t& text) override { return set(text, "a number"); }
  bool string(string_t& text) override { return set(std::move(text), "a text"); }
  bool binary(binary_t&) override { refuse("binary data"); }

  bool start_array(std::size_t) override {
    if (depth_ != 0) refuse("an array");
    depth_ = 1;
    return true;
  }

  bool start_object(std::size_t) override {
    if (depth_ != 1) refuse("an object");
    depth_ = 2;
    rows_.push_back({{}, line_});
    return true;
  }

  bool key(string_t& name) override {
    const auto [found, is_new] = columns_.try_emplace(name, column_names_.size());
    if (is_new) {
      column_names_.push_back(name);
      last_row_.push_back(0);
    }
    column_ = found->second;
    if (std::exchange(last_row_[column_], rows_.size()) == rows_.size()) {
      throw Malformed(fmt::format("line {}: expected each key once in an object, got \"{}\" twice", line_, name));
    }
    check_size();
    auto& cells = rows_.back().cells;
    cells.resize(std::max(cells.size(), column_ + 1));
    return true;
  }

  bool end_object() override {
    depth_ = 1;
    return true;
  }
  bool end_array() override { return true; }

  bool parse_error(std::size_t, const std::string&, const nlohmann::json::exception& error) override {
    throw Malformed(fmt::format("expected JSON, got {}", error.what()));
  }

 private:
  bool set(std::string text, std::string_view kind) {
    if (depth_ != 2) refuse(kind);
    rows_.back().cells[column_] = std::move(text);
    return true;
  }

  [[noreturn]] void refuse(std::string_view got) const {
    constexpr std::array<std::string_view, 3> expected{"an array of objects", "an object", "a text or number"};
    throw Malformed(fmt::format("line {}: expected {}, got {}", line_, expected[depth_], got));
  }

  /// A few bytes of objects that share no key would make a table of all of them times all of them.
  void check_size() const {
    if (column_names_.size() > most_cells_ / rows_.size()) {
      throw Malformed(fmt::format("expected objects that share their keys, got {} keys among {} objects",
                                  column_names_.size(), rows_.size()));
    }
  }

  std::size_t most_cells_;
  const std::int64_t& line_;
  std::size_t depth_ = 0;
  std::unordered_map<std::string, std::size_t> columns_;
  std::vector<std::string> column_names_;
  std::vector<std::size_t> last_row_;  ///< For each column the number, counted from 1, of the last object that has it.
  std::vector<TableRow> rows_;
  std::size_t column_ = 0;
};

}  // namespace detail

/// Reads a JSON array of objects, each a row: [{"id": 1, "label": "cat"}, ...]. The columns are all keys, in the order
/// in which they appear; a key that an object lacks, and null, make an empty cell.
///
/// Errors     DataError naming the file and the line: not JSON, not such an array, an array or object as a value, a key
///            twice in an object, nothing in it, keys that hardly two objects share.
[[nodiscard]] inline Table read_json_table(const std::filesystem::path& path) {
  constexpr std::string_view where = "io::read_json_table";
  constexpr std::int64_t largest_file = std::int64_t{1} << 30U;
  const auto bytes = detail::read_file(where, path, largest_file);
  return detail::naming_the_file(where, path, [&] {
    std::int64_t line = 1;
    detail::JsonTableBuilder builder(bytes.size(), line);
    const auto* begin = bytes.data();
    nlohmann::json::sax_parse(detail::LineCountingIterator(begin, &line),
                              detail::LineCountingIterator(begin + bytes.size(), &line), &builder);
    auto [names, rows] = builder.finish();
    return Table(path, std::move(names), std::move(rows));
  });
}

}  // namespace g2d::io
