// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cstdint>
#include <random>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/io/safetensors.hpp>
#include "io/support.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::io::read_safetensors;
using g2d::io::Tensors;
using g2d::io::write_safetensors;
using g2d_test::read_bytes;
using g2d_test::same;
using g2d_test::TemporaryFolder;
using g2d_test::write_bytes;

std::string little_endian(std::uint64_t number) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(number >> (8 * i)));
  return bytes;
}

std::string file_of(const std::string& header, std::size_t data_bytes) {
  return little_endian(header.size()) + header + std::string(data_bytes, '\0');
}

}  // namespace

TEST_CASE("io: safetensors: every dtype comes back bit for bit", "[io][safetensors]") {
  const TemporaryFolder folder;
  const auto tensors = g2d_test::samples();
  write_safetensors(tensors, folder / "all.safetensors");
  CHECK(same(read_safetensors(folder / "all.safetensors"), tensors));
}

TEST_CASE("io: safetensors: a file without tensors comes back", "[io][safetensors]") {
  const TemporaryFolder folder;
  write_safetensors(Tensors(), folder / "none.safetensors");
  CHECK(read_safetensors(folder / "none.safetensors").is_empty());
}

TEST_CASE("io: safetensors: writing to a tensor that was read leaves the file as it is", "[io][safetensors]") {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.insert("x", torch::ones({4}));
  write_safetensors(tensors, folder / "x.safetensors");
  read_safetensors(folder / "x.safetensors")["x"].zero_();
  CHECK(same(read_safetensors(folder / "x.safetensors"), tensors));
}

TEST_CASE("io: safetensors: what was read survives its file being replaced", "[io][safetensors]") {
  const TemporaryFolder folder;
  Tensors tensors;
  tensors.insert("x", torch::ones({4}));
  write_safetensors(tensors, folder / "x.safetensors");
  const auto read = read_safetensors(folder / "x.safetensors");
  Tensors others;
  others.insert("x", torch::zeros({1}));
  write_safetensors(others, folder / "x.safetensors");
  CHECK(same(read, tensors));
}

TEST_CASE("io: safetensors: data behind a header of odd length is read", "[io][safetensors]") {
  const TemporaryFolder folder;
  write_bytes(folder / "odd.safetensors", file_of(R"({"x":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})", 16));
  CHECK(same(read_safetensors(folder / "odd.safetensors")["x"], torch::zeros({2}, at::kDouble)));
}

TEST_CASE("io: safetensors: a truncated file is refused wherever it ends", "[io][safetensors]") {
  const TemporaryFolder folder;
  write_safetensors(g2d_test::samples(), folder / "whole.safetensors");
  const auto bytes = read_bytes(folder / "whole.safetensors");
  std::mt19937 random(3);
  for (int i = 0; i < 50; ++i) {
    const auto end = i < 10 ? static_cast<std::size_t>(i) : random() % bytes.size();
    INFO(end);
    write_bytes(folder / "cut.safetensors", bytes.substr(0, end));
    CHECK_THROWS_AS(read_safetensors(folder / "cut.safetensors"), g2d::DataError);
  }
}

TEST_CASE("io: safetensors: damage is refused or harmless", "[io][safetensors]") {
  const TemporaryFolder folder;
  write_safetensors(g2d_test::samples(), folder / "whole.safetensors");
  const auto bytes = read_bytes(folder / "whole.safetensors");
  std::mt19937 random(4);
  int refused = 0;
  for (int i = 0; i < 300; ++i) {
    auto damaged = bytes;
    damaged[random() % 1200] = static_cast<char>(random());
    write_bytes(folder / "damaged.safetensors", damaged);
    try {
      (void)read_safetensors(folder / "damaged.safetensors");
    } catch (const g2d::DataError&) {
      ++refused;
    }
  }
  CHECK(refused > 100);
}

TEST_CASE("io: safetensors: each malformed file is refused with its reason", "[io][safetensors]") {
  const TemporaryFolder folder;
  const auto path = folder / "bad.safetensors";
  const auto check = [&](const std::string& bytes, const std::string& reason) {
    INFO(bytes.substr(0, 200));
    write_bytes(path, bytes);
    CHECK_THROWS_AS(read_safetensors(path), g2d::DataError);
    CHECK_THROWS_WITH(read_safetensors(path),
                      Contains("g2d: io::read_safetensors: " + path.string() + ": ") && Contains(reason));
  };
  const auto tensor = [](const std::string& dtype, const std::string& shape, const std::string& offsets) {
    return R"("x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
  };
  check("", "expected a safetensors file, got 0 bytes");
  check("PK\x03\x04, a zip archive after all", "truncated or not in this format");
  check(little_endian(UINT64_MAX) + "{}", "expected a header of at most 2 bytes");
  check(little_endian(std::uint64_t{1} << 62) + "{}", "expected a header of at most 2 bytes");
  check(file_of("", 0), "the header is not JSON");
  check(file_of("no JSON", 0), "the header is not JSON");
  check(file_of("[]", 0), "the header is not a JSON object");
  check(file_of(std::string(100000, '['), 0), "nested too deeply");
  check(file_of("{" + tensor("F32", "[1]", "[0,4]") + "," + tensor("F32", "[1]", "[4,8]") + "}", 8),
        "names \"x\" twice");
  check(file_of(R"({"x":1})", 0), "tensor \"x\": ");
  check(file_of(R"({"x":{"dtype":"F32","shape":[1]}})", 4), "tensor \"x\": ");
  check(file_of("{" + tensor("F4", "[2]", "[0,1]") + "}", 1),
        "tensor \"x\": dtype F4 is not supported; read the file without it");
  check(file_of("{" + tensor("F32", "[-1]", "[0,4]") + "}", 4), "expected an integer >= 0, got -1");
  check(file_of("{" + tensor("F32", "[1.5]", "[0,4]") + "}", 4), "expected an integer >= 0, got 1.5");
  check(file_of("{" + tensor("F32", "[18446744073709551615]", "[0,4]") + "}", 4), "expected an integer >= 0");
  check(file_of("{" + tensor("F32", "[4611686018427387904,4]", "[0,4]") + "}", 4), "size overflows");
  check(file_of("{" + tensor("F32", "[1099511627776]", "[0,4398046511104]") + "}", 4), "bytes of data");
  check(file_of("{" + tensor("F32", "[2]", "[0,4]") + "}", 4), "expected 8 bytes, got data_offsets [0, 4]");
  check(file_of("{" + tensor("F32", "[1]", "[4,0]") + "}", 4), "expected 4 bytes");
  check(file_of("{" + tensor("F32", "[1]", "[4,8]") + "}", 8), "expected its data at byte 0, got 4");
  check(file_of("{" + tensor("F32", "[1]", "[0,4]") + R"(,"y":{"dtype":"U8","shape":[2],"data_offsets":[3,5]}})", 5),
        "tensor \"y\": expected its data at byte 4, got 3");
  check(file_of("{" + tensor("F32", "[1]", "[0,4]") + "}", 5), "expected 4 bytes of data as the header says, got 5");
  CHECK_THROWS_WITH(read_safetensors(folder / "absent"), Contains("absent: no such file"));
  CHECK_THROWS_WITH(read_safetensors(folder.path()), Contains("expected a regular file"));
}

TEST_CASE("io: safetensors: the dtypes that Python's torch has beside the usual ones come back", "[io][safetensors]") {
  const TemporaryFolder folder;
  Tensors tensors;
  for (const auto dtype :
       {at::kUInt16, at::kUInt32, at::kUInt64, at::kFloat8_e4m3fn, at::kFloat8_e5m2, at::kComplexFloat}) {
    tensors.insert(c10::toString(dtype), torch::tensor({0.0, 1.0, 2.0}).to(dtype));
  }
  write_safetensors(tensors, folder / "rare.safetensors");
  const auto read = read_safetensors(folder / "rare.safetensors");
  for (const auto& item : tensors) {
    INFO(item.key());
    CHECK(read[item.key()].scalar_type() == item.value().scalar_type());
    CHECK(torch::equal(read[item.key()].to(at::kComplexDouble), item.value().to(at::kComplexDouble)));
  }
}

TEST_CASE("io: safetensors: a tensor that nobody asks for may be of any dtype", "[io][safetensors]") {
  const TemporaryFolder folder;
  const auto path = folder / "a.safetensors";
  for (const std::string dtype : {"F4", "F6_E2M3", "F8_E8M0", "I4", "SOMETHING_NEW"}) {
    INFO(dtype);
    write_bytes(path, file_of(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"other":{"dtype":")" + dtype +
                                  R"(","shape":[6],"data_offsets":[8,11]}})",
                              11));
    const auto read = read_safetensors(path, [](const std::string& name) { return name == "x"; });
    CHECK(read.keys() == std::vector<std::string>{"x"});
    CHECK(same(read["x"], torch::zeros({2})));
    CHECK_THROWS_WITH(read_safetensors(path), Contains("tensor \"other\": dtype " + dtype + " is not supported"));
  }
}

TEST_CASE("io: safetensors: tensors that the format cannot hold are named", "[io][safetensors]") {
  const TemporaryFolder folder;
  const auto check = [&](const std::string& name, const at::Tensor& tensor, const std::string& text) {
    Tensors tensors;
    tensors.insert(name, tensor);
    CHECK_THROWS_WITH(write_safetensors(tensors, folder / "x.safetensors"), Contains(text));
  };
  check("c", torch::zeros({2}, at::kComplexDouble), "tensor \"c\": dtype ComplexDouble has no place in this format");
  check("n", at::Tensor(), "tensor \"n\": expected a dense tensor, got none");
  check("s", torch::eye(2).to_sparse(), "tensor \"s\": expected a dense tensor, got a sparse one");
  check("__metadata__", torch::zeros({2}), "the format keeps the name \"__metadata__\" for itself");
  check("\xff", torch::zeros({2}), "expected names in UTF-8");
  CHECK(g2d_test::names_in(folder.path()).empty());
}

TEST_CASE("io: safetensors: Python reads what we write and we read what Python writes", "[io][safetensors][python]") {
  const TemporaryFolder folder;
  if (!g2d_test::run_python("has safetensors")) {
    WARN("skipped: G2D_PYTHON names no Python with torch and safetensors");
    return;
  }
  const auto tensors = g2d_test::samples();
  write_safetensors(tensors, folder / "ours.safetensors");
  REQUIRE(g2d_test::run_python("copy " + (folder / "ours.safetensors").string() + " " +
                               (folder / "theirs.safetensors").string()));
  CHECK(same(read_safetensors(folder / "theirs.safetensors"), tensors));
}
