// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <filesystem>
#include <iterator>

#include <g2d/core/error.hpp>
#include <g2d/io/npy.hpp>
#include <g2d/io/write_npy.hpp>
#include "support/full_disk.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::DataError;
using g2d::ShapeError;
using g2d_test::read_bytes;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
namespace fs = std::filesystem;

}  // namespace

TEST_CASE("write_npy writes what read_npy reads", "[dataset]") {
  const TemporaryFolder folder;
  const auto file = folder / "values.npy";
  const auto check = [&](const at::Tensor& values) {
    g2d::io::write_npy(file, values);
    const auto read = g2d::io::read_npy(file);
    CHECK(read.scalar_type() == values.scalar_type());
    CHECK(torch::equal(read, values));
  };
  for (const auto dtype : {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kFloat, at::kDouble, at::kBool}) {
    check(torch::arange(6).view({2, 3}).to(dtype));
  }
  check(torch::randn({3, 4}).t());
  check(torch::zeros({0, 5}));
  check(torch::arange(7));
  check(at::_neg_view(torch::randn({3})));
  check(torch::complex(torch::randn({3}), torch::randn({3})).conj());
  check(torch::imag(torch::complex(torch::randn({3}), torch::randn({3})).conj()));
  g2d::io::write_npy(file, torch::arange(3));
  CHECK(read_bytes(file) == g2d_test::npy_bytes(torch::arange(3)));
  CHECK_THAT(thrown<ShapeError>([&] { g2d::io::write_npy(file, torch::tensor(1.0)); }), Contains("a single number"));
  CHECK_THAT(thrown<ShapeError>([&] { g2d::io::write_npy(file, torch::zeros({2}).to(at::kBFloat16)); }),
             Contains("dtype that NumPy has"));
}

TEST_CASE("an .npy file written in parts appears when it is whole", "[dataset]") {
  const TemporaryFolder folder;
  const auto file = folder / "values.npy";
  const auto values = torch::arange(12).view({4, 3});
  {
    g2d::io::NpyWriter writer(file, at::kLong, {4, 3});
    writer.append(values.narrow(0, 0, 3));
    CHECK_THAT(thrown<ShapeError>([&] { writer.append(values); }),
               Contains("expected parts of Long [4, 3], got Long [4, 3] after 3 rows"));
    CHECK_THAT(thrown<ShapeError>([&] { writer.append(torch::zeros({1, 3})); }), Contains("got Float [1, 3]"));
    CHECK_THAT(thrown<ShapeError>([&] { writer.commit(); }), Contains("expected 4 rows as announced, got 3"));
    CHECK_FALSE(fs::exists(file));
    writer.append(values.narrow(0, 3, 1));
    writer.commit();
  }
  CHECK(torch::equal(g2d::io::read_npy(file), values));
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  CHECK_THAT(thrown<DataError>([&] { g2d::io::write_npy(folder / "absent/values.npy", values); }),
             Contains("cannot be written"));
  {
    const g2d_test::FullDisk full(1000);
    CHECK_THAT(thrown<DataError>([&] { g2d::io::write_npy(file, torch::zeros({1000})); }),
               Contains(file.string() + ": cannot be written"));
  }
  CHECK(torch::equal(g2d::io::read_npy(file), values));
}
