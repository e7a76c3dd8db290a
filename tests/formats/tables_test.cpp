// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/nearest_name.hpp>
#include <g2d/core/utf8.hpp>
#include <g2d/io/cell.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/json_table.hpp>
#include <g2d/io/table.hpp>
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::ConfigError;
using g2d::DataError;
using g2d::io::read_csv;
using g2d::io::read_json_table;
using g2d::io::Table;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using namespace std::string_literals;

using Cells = std::vector<std::vector<std::string>>;
using Names = std::vector<std::string>;

Cells cells(const Table& table) {
  Cells all(table.num_rows());
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    for (std::size_t column = 0; column < table.column_names().size(); ++column) {
      all[row].push_back(table.cell(row, column));
    }
  }
  return all;
}

Table csv(const TemporaryFolder& folder, const std::string& text, const g2d::io::CsvOptions& options = {}) {
  write_bytes(folder / "a.csv", text);
  return read_csv(folder / "a.csv", options);
}

Table json(const TemporaryFolder& folder, const std::string& text) {
  write_bytes(folder / "a.json", text);
  return read_json_table(folder / "a.json");
}

}  // namespace

TEST_CASE("nearest_name: is the one that takes the fewest changes, the first of equals", "[formats][names]") {
  const Names names{"label", "split", "path"};
  CHECK(g2d::nearest_name("lable", names) == "label");
  CHECK(g2d::nearest_name("patch", names) == "path");
  CHECK(g2d::nearest_name("", names) == "path");
  CHECK(g2d::nearest_name("xxxxx", names) == "label");
  CHECK(g2d::edit_distance("kitten", "sitting") == 3);
  CHECK(g2d::edit_distance("", "abc") == 3);
  CHECK(g2d::edit_distance("abc", "abc") == 0);
}

TEST_CASE("io::read_csv: a header and rows become a table", "[formats][csv]") {
  const TemporaryFolder folder;
  const auto table = csv(folder, "id,label\n1,cat\n2,dog\n");
  CHECK(table.path() == folder / "a.csv");
  CHECK(table.column_names() == Names{"id", "label"});
  CHECK(cells(table) == Cells{{"1", "cat"}, {"2", "dog"}});
  CHECK(table.column("label") == 1);
  CHECK(table.has_column("id"));
  CHECK_FALSE(table.has_column("ID"));
}

TEST_CASE("io::read_csv: quotes hold delimiters, line breaks, blanks and quotes", "[formats][csv]") {
  const TemporaryFolder folder;
  CHECK(cells(csv(folder, "a,b\n\"x, y\",\"say \"\"hi\"\"\"\n\"two\nlines\",\"\"\n\" kept \", dropped \n")) ==
        Cells{{"x, y", "say \"hi\""}, {"two\nlines", ""}, {" kept ", "dropped"}});
}

TEST_CASE("io::read_csv: the same table whatever the line breaks, the mark at the start and the blank lines",
          "[formats][csv]") {
  const TemporaryFolder folder;
  const Cells expected{{"1", "2"}, {"3", ""}};
  for (const auto* text : {"a,b\n1,2\n3,\n", "a,b\r\n1,2\r\n3,\r\n", "a,b\r1,2\r3,\r", "a,b\n1,2\n3,",
                           "\xEF\xBB\xBF"
                           "a,b\n1,2\n3,\n",
                           "\n\na,b\n\n1,2\r\n\r\n3,\n\n  \n"}) {
    INFO(text);
    const auto table = csv(folder, text);
    CHECK(table.column_names() == Names{"a", "b"});
    CHECK(cells(table) == expected);
  }
}

TEST_CASE("io::read_csv: rows know the line they begin on", "[formats][csv]") {
  const TemporaryFolder folder;
  const auto table = csv(folder, "\na,b\r\n\r\n1,2\r\n\"x\ny\",\"\n\n\"\r\n\r\n5,6");
  REQUIRE(table.num_rows() == 3);
  CHECK(table.location(0) == (folder / "a.csv").string() + ": line 4");
  CHECK_THAT(table.location(1), Contains(": line 5"));
  CHECK_THAT(table.location(2), Contains(": line 10"));
}

TEST_CASE("io::read_csv: other delimiters and files without header are read", "[formats][csv]") {
  const TemporaryFolder folder;
  CHECK(cells(csv(folder, "a\tb\tc\n1\t\t 3\n\t\t\n", {.delimiter = '\t'})) == Cells{{"1", "", "3"}, {"", "", ""}});
  CHECK(cells(csv(folder, "a b\n1 \"2 3\"\n", {.delimiter = ' '})) == Cells{{"1", "2 3"}});
  const auto table = csv(folder, "---g-f_I2yQ,1,\"people, marching\",test\n",
                         {.has_header = false, .column_names = {"id", "start", "label", "split"}});
  CHECK(cells(table) == Cells{{"---g-f_I2yQ", "1", "people, marching", "test"}});
  CHECK(table.column("label") == 2);
  CHECK(csv(folder, "a,b\n").num_rows() == 0);
  const auto numbered = csv(folder, "1.5,1.5\n2,3\n", {.has_header = false});
  CHECK(numbered.column_names() == Names{"0", "1"});
  CHECK(cells(numbered) == Cells{{"1.5", "1.5"}, {"2", "3"}});
  CHECK(cells(numbered.rows_from(1)) == Cells{{"2", "3"}});
  CHECK(numbered.rows_from(1).line(0) == 2);
}

TEST_CASE("io::read_csv: each malformed file is refused with its line", "[formats][csv]") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& text, const std::string& reason) {
    INFO(text);
    CHECK(thrown<DataError>([&] { (void)csv(folder, text); }) ==
          fmt::format("g2d: io::read_csv: {}: {}", (folder / "a.csv").string(), reason));
  };
  const std::string stray =
      "expected a quoted cell to span all between two delimiters, with quotes inside it doubled, got a stray quote";
  check("a,b\n1,2\n3\n", "line 3: expected 2 cells, got 1");
  check("a,b\n\n1,2,3\n", "line 3: expected 2 cells, got 3");
  check("a,b\n1,2\n3,\"4\n5,6\n", "line 3: expected quotes in pairs, got one that is never closed");
  check("a,b\n1,\"2\"3\n", "line 2: " + stray);
  check("a,b\n1,2\"3\n", "line 2: " + stray);
  check("a,b\n1,2\n\0\n"s, "line 3: expected UTF-8 text, got a NUL byte");
  check("a,b\n1,caf\xE9\n", "line 2: expected UTF-8 text, got the byte 0xe9; save the file as UTF-8");
  check("a,b\n1,\xC3\n", "line 2: expected UTF-8 text, got the byte 0xc3; save the file as UTF-8");
  check("a\xFF,b\n", "line 1: expected UTF-8 text, got the byte 0xff; save the file as UTF-8");
  check("a,b,a\n1,2,3\n", "expected columns of different names, got \"a\" twice");
  check("", "expected at least one line of values, got none");
  check("\n \n", "expected at least one line of values, got none");

  const auto config_error = [&](const g2d::io::CsvOptions& options) {
    return thrown<ConfigError>([&] { (void)csv(folder, "a,b\n", options); });
  };
  const std::string names = "g2d: io::read_csv: expected column_names for no other file than one without header";
  CHECK(config_error({.column_names = {"a", "b"}}) == names);
  CHECK(config_error({.delimiter = '"'}) ==
        "g2d: io::read_csv: expected a delimiter other than quotes and line breaks");
}

TEST_CASE("io::Table: an absent column is refused with those there are and the nearest", "[formats][table]") {
  const TemporaryFolder folder;
  const auto table = csv(folder, "id,label,split\n1,cat,train\n");
  CHECK(thrown<DataError>([&] { (void)table.column("lable"); }) ==
        fmt::format("g2d: io::Table: {}: expected a column \"lable\", got [id, label, split]; the nearest is \"label\"",
                    (folder / "a.csv").string()));
  CHECK_THAT(thrown<DataError>([&] { (void)table.numbers("ident"); }), Contains("the nearest is \"id\""));
}

TEST_CASE("io::Table: numbers are float64, NaN where a cell says that it has none", "[formats][table]") {
  const TemporaryFolder folder;
  const auto missing = csv(folder, "x,y\nN/A,\nn/a,\n<NA>,\nNULL,\nnull,\nNone,\nNAN,\n\" \",\n");
  CHECK(missing.numbers("x").isnan().all().item<bool>());
  const auto table = csv(folder, "x,y\n1,a\n-2.5e3,\n,\nNA,\nnan,\nNaN,\n 7 ,\n");
  const auto numbers = table.numbers("x");
  REQUIRE(numbers.scalar_type() == at::kDouble);
  REQUIRE(numbers.sizes() == at::IntArrayRef{7});
  CHECK(torch::equal(numbers.isnan(), torch::tensor({false, false, true, true, true, true, false})));
  CHECK(torch::equal(numbers.nan_to_num(0), torch::tensor({1.0, -2500.0, 0.0, 0.0, 0.0, 0.0, 7.0}, at::kDouble)));
}

TEST_CASE("io::Table: numbers may have a plus sign, and blanks around them in quotes", "[formats][table]") {
  const TemporaryFolder folder;
  const auto numbers = csv(folder, "x\n+1\n+0.0\n+.5\n+2.5e+3\n\" +4 \"\n\"\t-5\"\n").numbers("x");
  CHECK(torch::equal(numbers, torch::tensor({1.0, 0.0, 0.5, 2500.0, 4.0, -5.0}, at::kDouble)));
  CHECK(json(folder, R"([{"x": "+3"}])").numbers("x")[0].item<double>() == 3);
}

TEST_CASE("io::trimmed: takes blanks of every kind from both ends, and none from inside", "[formats][table]") {
  CHECK(g2d::io::trimmed(" \t\r\n calm \v\f") == "calm");
  CHECK(g2d::io::trimmed("\xC2\xA0 very calm \xC2\xA0") == "very calm");
  CHECK(g2d::io::trimmed(" \xC2\xA0 ").empty());
  CHECK(g2d::io::trimmed("\xC3\xA0").size() == 2);  // à ends in the same byte
}

TEST_CASE("utf8_prefix: ends where text is no longer UTF-8", "[formats][utf8]") {
  using g2d::is_utf8;
  for (const std::string text :
       {"", "plain", "caf\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\x9D", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"})
    CHECK(is_utf8(text));
  for (const std::string text : {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF0\x80\x80\xAF",
                                 "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xE2\x82", "\xFF"})
    CHECK(g2d::utf8_prefix("ok" + text) == 2);
}

TEST_CASE("io::Table: a cell that is no number is refused with file, line and text", "[formats][table]") {
  const TemporaryFolder folder;
  for (const auto* cell : {"one", "1x", "1.2.3", "0x10", "inf", "-inf", "1e999", "1 2", "-", "+", "+-1", "++1", "-+1",
                           "1+", "+inf", "nano", "None of them"}) {
    const auto table = csv(folder, fmt::format("x\n1\n{}\n", cell));
    CHECK(thrown<DataError>([&] { (void)table.numbers("x"); }) ==
          fmt::format("g2d: io::Table: {}: line 3: column \"x\": expected a number or nothing, got \"{}\"",
                      (folder / "a.csv").string(), cell));
  }
}

TEST_CASE("io::read_json_table: objects become rows, absent keys and null empty cells", "[formats][json]") {
  const TemporaryFolder folder;
  const auto table = json(folder, R"([
    {"id": 1, "label": "cat", "score": -2.50},
    {"label": "dog", "id": 18446744073709551615, "extra": true},
    {},
    {"id": null, "label": "caf\u00e9, \"x\""}
  ])");
  CHECK(table.column_names() == Names{"id", "label", "score", "extra"});
  CHECK(cells(table) == Cells{{"1", "cat", "-2.50", ""},
                              {"18446744073709551615", "dog", "", "true"},
                              {"", "", "", ""},
                              {"", "café, \"x\"", "", ""}});
  CHECK_THAT(table.location(0), Contains("a.json: line 2"));
  CHECK_THAT(table.location(3), Contains("a.json: line 5"));
}

TEST_CASE("io::read_json_table: each malformed file is refused with its reason", "[formats][json]") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& text, const std::string& reason) {
    INFO(text);
    CHECK_THAT(thrown<DataError>([&] { (void)json(folder, text); }),
               Contains("g2d: io::read_json_table: " + (folder / "a.json").string() + ": " + reason));
  };
  check("", "expected JSON, got ");
  check("[{\"a\": 1}", "expected JSON, got ");
  check("[{\"a\": 1}] x", "expected JSON, got ");
  check("[{\"a\": NaN}]", "expected JSON, got ");
  check("[{\"a\": 1e999}]", "expected JSON, got ");
  check("[{\"a\": \"\xff\"}]", "expected JSON, got ");
  check("\n{\"a\": 1}", "line 2: expected an array of objects, got an object");
  check("1", "line 1: expected an array of objects, got a number");
  check("[]", "expected at least one object, got none");
  check("[\n1]", "line 2: expected an object, got a number");
  check("[[", "line 1: expected an object, got an array");
  check("[{\"a\":\n[1]}]", "line 2: expected a text or number, got an array");
  check("[{\"a\":\n{}}]", "line 2: expected a text or number, got an object");
  check("[{\"a\": 1, \"a\": 2}]", "line 1: expected each key once in an object, got \"a\" twice");
  check(std::string(1'000'000, '['), "line 1: expected an object, got an array");
}

TEST_CASE("io::read_json_table: a small file of many keys does not become a huge table", "[formats][json]") {
  const TemporaryFolder folder;
  std::string keys = "[{\"a\": 1}";
  for (int i = 0; i < 20'000; ++i) keys += fmt::format(",{{\"{}\":1}}", i);
  CHECK_THAT(thrown<DataError>([&] { (void)json(folder, keys + "]"); }),
             Contains("expected objects that share their keys, got 1024 keys among 1024 objects") ||
                 Contains("expected objects that share their keys, got 1025 keys among 1024 objects") ||
                 Contains("expected objects that share their keys, got 1025 keys among 1025 objects"));
  std::string wide = "[{";
  for (int i = 0; i < 20'000; ++i) wide += fmt::format("\"{}\":1,", i);
  wide += "\"a\":1}";
  for (int i = 0; i < 20'000; ++i) wide += ",{}";
  CHECK_THAT(thrown<DataError>([&] { (void)json(folder, wide + "]"); }),
             Contains("expected objects that share their keys, got 20001 keys among 20001 objects"));
}
