// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/io/npy.hpp>
#include <g2d/io/npz.hpp>
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::DataError;
using g2d::io::map_npy;
using g2d::io::read_npy;
using g2d::io::read_npz;
using g2d_test::npy_bytes;
using g2d_test::npy_dict;
using g2d_test::read_bytes;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using namespace std::string_literals;

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && torch::equal(a, b);
}

std::string npz_error(const std::filesystem::path& path) {
  return thrown<DataError>([&] { (void)read_npz(path); });
}

/// The values of tests/formats/numpy_files.py.
at::Tensor counted(at::ScalarType dtype) {
  const auto count = torch::arange(24, at::kLong).view({2, 3, 4});
  return dtype == at::kBool ? count.remainder(2).to(at::kBool) : count.to(dtype);
}

/// Replaces every occurrence.
std::string replaced(std::string bytes, const std::string& what, const std::string& with) {
  for (auto at = bytes.find(what); at != std::string::npos; at = bytes.find(what, at + with.size())) {
    bytes.replace(at, what.size(), with);
  }
  return bytes;
}

std::string little_endian(std::uint32_t value) { return {reinterpret_cast<const char*>(&value), sizeof value}; }

/// The archive with another number at a place of the directory's entry for its last member.
std::string with_directory_field(std::string bytes, std::size_t offset, std::uint32_t value) {
  return bytes.replace(bytes.rfind("PK\x01\x02") + offset, 4, little_endian(value));
}
constexpr std::size_t packed_size = 20;
constexpr std::size_t unpacked_size = 24;

bool run_python(const std::string& arguments) {
  const char* python = std::getenv("G2D_PYTHON");
  if (python == nullptr || *python == '\0') return false;
  const auto script = (g2d_test::test_directory() / "formats/numpy_files.py").string();
  return std::system(fmt::format("'{}' '{}' {} 2>&1", python, script, arguments).c_str()) == 0;
}

}  // namespace

TEST_CASE("io::read_npy, map_npy: arrays come back bit for bit", "[formats][npy]") {
  const TemporaryFolder folder;
  for (const auto dtype : {at::kBool, at::kByte, at::kInt, at::kLong, at::kFloat, at::kDouble}) {
    INFO(c10::toString(dtype));
    g2d_test::write_npy(folder / "a.npy", counted(dtype));
    CHECK(same(read_npy(folder / "a.npy"), counted(dtype)));
    CHECK(same(map_npy(folder / "a.npy"), counted(dtype)));
  }
  for (const auto& sizes : {std::vector<std::int64_t>{}, {0}, {1}, {5, 0, 3}}) {
    g2d_test::write_npy(folder / "a.npy", torch::ones(sizes));
    CHECK(same(read_npy(folder / "a.npy"), torch::ones(sizes)));
    CHECK(same(map_npy(folder / "a.npy"), torch::ones(sizes)));
  }
}

TEST_CASE("io::map_npy: writing to the tensor leaves the file as it is", "[formats][npy]") {
  const TemporaryFolder folder;
  g2d_test::write_npy(folder / "a.npy", torch::ones({4}));
  map_npy(folder / "a.npy").zero_();
  CHECK(same(map_npy(folder / "a.npy"), torch::ones({4})));
}

TEST_CASE("io::read_npy: Fortran order is put in ours; mapped, it becomes strides", "[formats][npy]") {
  const TemporaryFolder folder;
  const auto array = counted(at::kFloat);
  const auto turned = array.permute({2, 1, 0}).contiguous();
  write_bytes(folder / "a.npy",
              npy_bytes(npy_dict("<f4", array.sizes(), true),
                        std::string(static_cast<const char*>(turned.const_data_ptr()), turned.nbytes())));
  const auto read = read_npy(folder / "a.npy");
  CHECK(same(read, array));
  CHECK(read.is_contiguous());
  const auto mapped = map_npy(folder / "a.npy");
  CHECK(same(mapped, array));
  CHECK(mapped.strides() == at::IntArrayRef{1, 2, 6});
}

TEST_CASE("io::read_npy: values behind a header of odd length are read", "[formats][npy]") {
  const TemporaryFolder folder;
  const auto dict = npy_dict("<f8", {2});
  const auto head = "\x93NUMPY\x01\0"s + static_cast<char>(dict.size()) + "\0"s + dict;
  for (int spaces = 0; spaces < 8; ++spaces) {
    auto bytes = head + std::string(static_cast<std::size_t>(spaces), ' ') + std::string(16, '\0');
    bytes[8] = static_cast<char>(dict.size() + static_cast<std::size_t>(spaces));
    write_bytes(folder / "a.npy", bytes);
    CHECK(same(read_npy(folder / "a.npy"), torch::zeros({2}, at::kDouble)));
    CHECK(same(map_npy(folder / "a.npy"), torch::zeros({2}, at::kDouble)));
  }
}

TEST_CASE("io::read_npy: headers of every writer are understood", "[formats][npy]") {
  const TemporaryFolder folder;
  const auto shape_of = [&](const std::string& dict, char version = 1) {
    INFO(dict);
    write_bytes(folder / "a.npy", npy_bytes(dict, std::string(24, '\0'), version));
    return read_npy(folder / "a.npy").sizes().vec();
  };
  const std::vector<std::int64_t> two_three{2, 3};
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }") == two_three);
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 2) == two_three);
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 3) == two_three);
  CHECK(shape_of(R"({"shape":(2,3),"fortran_order":False,"descr":"=f4"})") == two_three);
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (2L, 3L), }") == two_three);
  CHECK(shape_of("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }") == std::vector<std::int64_t>{6});
  CHECK(shape_of("{'descr': '>i1', 'fortran_order': False, 'shape': (24,)}") == std::vector<std::int64_t>{24});
}

TEST_CASE("io::read_npy: truth values other than 0 and 1 become true", "[formats][npy]") {
  const TemporaryFolder folder;
  write_bytes(folder / "a.npy", npy_bytes(npy_dict("|b1", {3}), "\0\1\7"s));
  CHECK(same(read_npy(folder / "a.npy"), torch::tensor({false, true, true})));
  CHECK(same(map_npy(folder / "a.npy"), torch::tensor({false, true, true})));
}

TEST_CASE("io::read_npy: each malformed file is refused with its reason", "[formats][npy]") {
  const TemporaryFolder folder;
  const auto path = folder / "bad.npy";
  const auto check = [&](const std::string& bytes, const std::string& reason) {
    INFO(bytes.substr(0, 200));
    write_bytes(path, bytes);
    const auto name = path.string();
    CHECK_THAT(thrown<DataError>([&] { (void)read_npy(path); }),
               Contains("g2d: io::read_npy: " + name + ": " + reason));
    CHECK_THAT(thrown<DataError>([&] { (void)map_npy(path); }), Contains("g2d: io::map_npy: " + name + ": " + reason));
  };
  const auto check_dict = [&](const std::string& dict, const std::string& reason) {
    check(npy_bytes(dict, std::string(24, '\0')), reason);
  };
  const auto check_descr = [&](const std::string& descr, const std::string& reason) {
    check_dict(npy_dict(descr, {6}), reason);
  };
  const auto check_shape = [&](const std::string& shape, const std::string& reason) {
    check_dict("{'descr': '<f4', 'fortran_order': False, 'shape': " + shape + "}", reason);
  };

  check("", "expected a file of numpy.save, got 0 bytes");
  check("hello, world, this is no array", "expected a file of numpy.save, got another format");
  check(npy_bytes(npy_dict("<f4", {6}), std::string(24, '\0'), 4), "expected format version 1, 2 or 3, got 4");
  check("\x93NUMPY\1\0\xff\xff{'descr'"s, "expected a header of 65545 bytes, got 18; the file is truncated");
  check("\x93NUMPY\2\0\xff\xff\xff\xff{'descr'"s, "expected a header of at most 1048576 bytes, got 4294967295");

  check_descr("|O", "it holds Python objects (pickle); convert it with tools/convert_features.py");
  check_descr(">f4", "it is big-endian; in Python: numpy.save(path, array.astype(array.dtype.newbyteorder('<')))");
  check_descr("<U10", "dtype \"<U10\" is not supported");
  check_descr("<M8[s]", "dtype \"<M8[s]\" is not supported");
  check_descr("<f16", "dtype \"<f16\" is not supported");
  check_descr("xf4", "dtype \"xf4\" is not supported");
  check_descr("", "dtype \"\" is not supported");
  check_dict("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,), }",
             "it holds records of several fields; save each field as an array of its own");

  check_shape("(7,)", "expected 28 bytes of values as its header announces, got 24");
  check_shape("(5,)", "expected 20 bytes of values as its header announces, got 24");
  check_shape("()", "expected 4 bytes of values");
  check_shape("(1000000000000,)", "expected 4000000000000 bytes of values");
  check_shape("(4611686018427387904, 4)", "its shape overflows");
  check_shape("(0, 4611686018427387904, 4)", "its shape overflows");
  check_shape("(99999999999999999999,)", "expected a shape of integers >= 0, got \"99999999999999999999");
  check_shape("(-6,)", "expected a shape of integers >= 0, got \"-6,)");
  check_shape("(2 3)", "expected ')' in its header, got \"3)}");
  check_shape("6", "expected '(' in its header, got \"6}");
  check_shape("(", "expected a shape of integers >= 0, got \"}");
  std::string ones;
  for (int i = 0; i < 65; ++i) ones += "1,";
  check_shape("(" + ones + ")", "its shape has more than 64 dimensions");

  check_dict("", "expected '{' in its header, got \"\"");
  check_dict("{'descr': '<f4'", "expected '}' in its header, got \"\"");
  check_dict("{'descr", "expected ''' in its header, got \"\"");
  check_dict("{}", "its header lacks descr, fortran_order or shape");
  check_dict("{'descr': '<f4', 'shape': (6,)}", "its header lacks descr, fortran_order or shape");
  check_dict("{'descr': '<f4', 'descr': '<f4'}", "its header names \"descr\" twice");
  check_dict("{'descr': '<f4', 'order': 'C'}", "its header has an unknown key \"order\"");
  check_dict("{'fortran_order': 1}", "expected True or False in its header, got \"1}");
  check_dict(npy_dict("<f4", {6}) + " exit()", "its header does not end with the dict");
}

TEST_CASE("io::read_npz: arrays come back by name, stored and deflated, in the file's order", "[formats][npz]") {
  const TemporaryFolder folder;
  const bool compressed = GENERATE(false, true);
  const std::vector<std::pair<std::string, at::Tensor>> arrays{{"z", counted(at::kFloat)},
                                                               {"a", counted(at::kBool)},
                                                               {"deep/name", torch::zeros({0})},
                                                               {"b", torch::zeros({70000})}};
  g2d_test::write_npz(folder / "a.npz", arrays, compressed);
  const auto read = read_npz(folder / "a.npz");
  REQUIRE(read.size() == arrays.size());
  for (std::size_t i = 0; i < arrays.size(); ++i) {
    INFO(arrays[i].first);
    CHECK(read[i].key() == arrays[i].first);
    CHECK(same(read[i].value(), arrays[i].second));
  }
}

TEST_CASE("io::read_npz: text and Python objects beside the arrays that are wanted are left alone", "[formats][npz]") {
  const TemporaryFolder folder;
  g2d_test::write_zip(folder / "a.npz",
                      {{"speaker.npy", npy_bytes(npy_dict("<U3", {1}), std::string(12, 'x'))},
                       {"values.npy", npy_bytes(torch::arange(4))},
                       {"notes.npy", npy_bytes(npy_dict("|O", {1}), "pickle")}},
                      true);
  const auto read = read_npz(folder / "a.npz", [](const std::string& name) { return name == "values"; });
  REQUIRE(read.size() == 1);
  CHECK(torch::equal(read["values"], torch::arange(4)));
  CHECK_THAT(npz_error(folder / "a.npz"), Contains("array \"speaker\": dtype \"<U3\" is not supported"));
}

TEST_CASE("io::read_npz: sizes that cannot be are refused before memory is asked for", "[formats][npz]") {
  const TemporaryFolder folder;
  const auto path = folder / "a.npz";
  const auto check = [&](const std::string& bytes, const std::string& reason) {
    write_bytes(path, bytes);
    CHECK_THAT(npz_error(path), Contains("g2d: io::read_npz: " + path.string() + ": ") && Contains(reason));
  };
  g2d_test::write_npz(path, {{"a", torch::zeros({70000})}}, true);
  const auto deflated = read_bytes(path);
  check(with_directory_field(deflated, unpacked_size, 4'000'000'000),
        "packed bytes cannot hold the 4000000000 bytes it announces");
  check(with_directory_field(deflated, unpacked_size, 200'000),
        "array \"a\": expected 280000 bytes of values as its header announces, got 199872");
  check(with_directory_field(deflated, packed_size, 4'000'000'000),
        "member \"a.npy\": expected it within the file, got 4000000000 packed bytes");

  // A header that announces what the archive does not, in a member whose bytes are otherwise sound.
  const auto huge = npy_bytes(npy_dict("<f4", {1'000'000'000'000}), std::string(100, '\0'));
  g2d_test::write_zip(path, {{"a.npy", huge}}, true);
  CHECK_THAT(npz_error(path),
             Contains("array \"a\": expected 4000000000000 bytes of values as its header announces, got 100"));

  g2d_test::write_npz(path, {{"a", torch::zeros({10})}});
  const auto stored = read_bytes(path);
  check(with_directory_field(stored, unpacked_size, 100'000), "packed bytes cannot hold the 100000 bytes it announces");
}

TEST_CASE("io::read_npz: members that share their bytes do not multiply them", "[formats][npz]") {
  const TemporaryFolder folder;
  const auto path = folder / "a.npz";
  g2d_test::write_npz(path, {{"a", torch::zeros({1000})}});
  const auto bytes = read_bytes(path);
  const auto directory = bytes.rfind("PK\x01\x02");
  const auto end = bytes.rfind("PK\x05\x06");
  const auto entry = bytes.substr(directory, end - directory);
  auto overlapping = bytes.substr(0, end);
  for (char name = 'b'; name <= 'z'; ++name) overlapping += replaced(entry, "a.npy", name + ".npy"s);
  auto tail = bytes.substr(end);
  tail[8] = tail[10] = 26;
  tail.replace(12, 4, little_endian(static_cast<std::uint32_t>(26 * entry.size())));
  write_bytes(path, overlapping + tail);
  CHECK_THAT(npz_error(path), Contains("member \"b.npy\": expected it within the file, got 4128 packed bytes"));
}

TEST_CASE("io::read_npz: each other malformed file is refused with its reason", "[formats][npz]") {
  const TemporaryFolder folder;
  const auto path = folder / "bad.npz";
  const auto check = [&](const std::string& reason) {
    CHECK_THAT(npz_error(path), Contains("g2d: io::read_npz: " + path.string() + ": ") && Contains(reason));
  };
  const auto check_bytes = [&](const std::string& bytes, const std::string& reason) {
    write_bytes(path, bytes);
    check(reason);
  };
  const auto array = npy_bytes(torch::arange(100));

  check_bytes("", "expected a file of numpy.savez, got another format or no arrays");
  check_bytes("PK\x05\x06"s + std::string(18, '\0'), "expected a file of numpy.savez, got another format or no arrays");
  check_bytes("PK\x03\x04 and nothing", "expected a zip archive, got ");

  g2d_test::write_npz(path, {{"a", torch::arange(100)}, {"b", torch::arange(100)}});
  const auto sound = read_bytes(path);
  check_bytes(replaced(sound, "b.npy", "a.npy"), "array \"a\" occurs twice");
  check_bytes(replaced(sound, "b.npy", "b.txt"), "member \"b.txt\": expected a name that ends in .npy");
  auto damaged = sound;
  damaged[sound.find("PK\x03\x04", 10) - 20] ^= 1;
  check_bytes(damaged, "array \"a\": CRC error");

  g2d_test::write_zip(path, {{"a.npy", array}}, true);
  auto packed = read_bytes(path);
  packed[60] ^= 0x40;
  check_bytes(packed, "array \"a\": ");

  g2d_test::write_zip(path, {{"a.npy", array}}, true, "secret");
  check("member \"a.npy\": it is encrypted; write it without a password");
  g2d_test::write_zip(path, {{"a.npy", "hello"}}, true);
  check("array \"a\": expected 7 more bytes, got its end; it is truncated");
  g2d_test::write_zip(path, {{"a.npy", "hello, world"}}, true);
  check("array \"a\": expected a file of numpy.save, got another format");
  g2d_test::write_zip(path, {{"a.npy", array.substr(0, 40)}}, true);
  check("array \"a\": its header does not fit into it");
  g2d_test::write_zip(path, {{"a.npy", npy_bytes(npy_dict("|O", {1}), "pickle")}}, true);
  check("array \"a\": it holds Python objects (pickle); convert it with tools/convert_features.py");

  g2d_test::write_npz(path, {{"a", torch::arange(100)}});
  auto method = read_bytes(path);
  method[8] = method[method.rfind("PK\x01\x02") + 10] = 12;
  check_bytes(method, "expected it stored or deflated, got compression method 12");
}

TEST_CASE("io::read_npy, read_npz: NumPy's own files are read or refused with advice", "[formats][npy][python]") {
  const TemporaryFolder folder;
  if (!run_python("")) {
    WARN("skipped: G2D_PYTHON names no Python with NumPy");
    return;
  }
  REQUIRE(run_python(folder.path().string()));
  const auto stored = read_npz(folder / "stored.npz");
  const auto deflated = read_npz(folder / "deflated.npz");
  for (const auto& [name, dtype] : g2d::io::detail::npy_dtypes) {
    INFO(name);
    const std::string key(name);
    CHECK(same(read_npy(folder / (key + ".npy")), counted(dtype)));
    CHECK(same(read_npy(folder / (key + ".fortran.npy")), counted(dtype)));
    CHECK(same(map_npy(folder / (key + ".fortran.npy")), counted(dtype)));
    CHECK(same(stored[key], counted(dtype)));
    CHECK(same(deflated[key], counted(dtype)));
  }
  CHECK(same(stored["deep/name"], counted(at::kFloat)));
  CHECK(stored["deep/name"].is_contiguous());
  for (const auto* name : {"version1.npy", "version2.npy", "version3.npy"}) {
    CHECK(same(read_npy(folder / name), counted(at::kFloat)));
  }
  CHECK(same(read_npy(folder / "scalar.npy"), torch::tensor(7.5, at::kDouble)));
  CHECK(same(read_npy(folder / "vector.npy"), torch::arange(5)));
  CHECK(same(read_npy(folder / "empty.npy"), torch::zeros({0, 3})));
  CHECK(read_npz(folder / "unnamed.npz").keys() == std::vector<std::string>{"arr_0", "arr_1"});

  const auto refused = [&](const std::string& name, const std::string& reason) {
    INFO(name);
    CHECK_THAT(thrown<DataError>([&] { (void)read_npy(folder / name); }), Contains(name + ": " + reason));
  };
  refused("big_endian.npy", "it is big-endian; in Python");
  refused("objects.npy", "it holds Python objects (pickle); convert it with tools/convert_features.py");
  refused("texts.npy", "dtype \"<U3\" is not supported");
  refused("records.npy", "it holds records of several fields");
  refused("times.npy", "dtype \"<M8[s]\" is not supported");
  CHECK_THAT(npz_error(folder / "none.npz"), Contains("got another format or no arrays"));
  CHECK_THAT(npz_error(folder / "objects.npz"), Contains("array \"bad\": it holds Python objects"));
}
