// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <sys/stat.h>

#include <filesystem>
#include <set>
#include <string>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/error.hpp>
#include <g2d/io/pt.hpp>
#include <g2d/io/safetensors.hpp>

#include "io/support.hpp"
#include "support/full_disk.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::AtomicFile;
using g2d_test::FullDisk;
using g2d_test::read_bytes;
using g2d_test::TemporaryFolder;
using g2d_test::write_bytes;

}  // namespace

TEST_CASE("AtomicFile: the target appears at commit, whole", "[io][atomic_file]") {
  const TemporaryFolder folder;
  write_bytes(folder / "target", "old");
  ::chmod((folder / "target").c_str(), 0640);
  {
    AtomicFile file(folder / "target");
    file.write("new ");
    file.write("text");
    CHECK(read_bytes(folder / "target") == "old");
    file.commit();
  }
  CHECK(read_bytes(folder / "target") == "new text");
  CHECK(g2d_test::names_in(folder.path()) == std::set<std::string>{"target"});
  CHECK(std::filesystem::status(folder / "target").permissions() == std::filesystem::perms(0640));
}

TEST_CASE("AtomicFile: what is written at a place lies there, and zeros where nothing is", "[io][atomic_file]") {
  const TemporaryFolder folder;
  AtomicFile file(folder / "target");
  file.reserve(8);
  file.write("ab");
  file.write_at(5, "f", 1);
  file.write("c");
  file.commit();
  CHECK(read_bytes(folder / "target") == std::string("abc\0\0f\0\0", 8));
}

TEST_CASE("AtomicFile: a full disk shows when room is taken, or when it is asked for", "[io][atomic_file]") {
  const TemporaryFolder folder;
  {
    const FullDisk full(4096);
    AtomicFile file(folder / "target");
    CHECK_THROWS_AS(file.reserve(1 << 20), g2d::DataError);
    AtomicFile other(folder / "target");
    other.write_at(1 << 20, "a", 1);
    CHECK_THROWS_AS(other.check(), g2d::DataError);
    CHECK_THROWS_AS(other.commit(), g2d::DataError);
  }
  CHECK(g2d_test::names_in(folder.path()).empty());
}

TEST_CASE("AtomicFile: without commit the target stays as it was", "[io][atomic_file]") {
  const TemporaryFolder folder;
  write_bytes(folder / "target", "old");
  {
    AtomicFile(folder / "target").write("new");
  }
  CHECK(read_bytes(folder / "target") == "old");
  CHECK(g2d_test::names_in(folder.path()) == std::set<std::string>{"target"});
}

TEST_CASE("AtomicFile: a link stays a link", "[io][atomic_file]") {
  const TemporaryFolder folder;
  write_bytes(folder / "target", "old");
  std::filesystem::create_symlink("target", folder / "link");
  AtomicFile file(folder / "link");
  file.write("new");
  file.commit();
  CHECK(std::filesystem::is_symlink(folder / "link"));
  CHECK(read_bytes(folder / "target") == "new");
}

TEST_CASE("io: a full disk is reported and what was saved stays", "[io][atomic_file]") {
  const TemporaryFolder folder;
  g2d::io::Tensors large;
  large.insert("large", torch::zeros({100000}));
  for (const std::string name : {"weights.safetensors", "weights.pt"}) {
    INFO(name);
    write_bytes(folder / name, "precious");
    const auto save = [&] {
      const FullDisk full(4096);
      name == "weights.pt" ? g2d::io::write_pt(large, folder / name) : g2d::io::write_safetensors(large, folder / name);
    };
    CHECK_THROWS_AS(save(), g2d::DataError);
    CHECK_THROWS_WITH(save(), Contains("g2d: AtomicFile: ") && Contains(name + ": cannot be written: File too large"));
    CHECK(read_bytes(folder / name) == "precious");
  }
  CHECK(g2d_test::names_in(folder.path()) == std::set<std::string>{"weights.pt", "weights.safetensors"});
}

TEST_CASE("AtomicFile: a place that cannot be written is reported at once", "[io][atomic_file]") {
  const TemporaryFolder folder;
  CHECK_THROWS_AS(AtomicFile(folder / "absent/target"), g2d::DataError);
  CHECK_THROWS_WITH(AtomicFile(folder / "absent/target"),
                    Contains("target: cannot be written: No such file or directory"));
  CHECK_THROWS_WITH(AtomicFile(folder.path()), Contains("expected a regular file to replace"));
  CHECK_THROWS_WITH(AtomicFile("/dev/null"), Contains("expected a regular file to replace"));
  CHECK_THROWS_AS(AtomicFile(folder / std::string(300, 'x')), g2d::DataError);
  write_bytes(folder / "target", "old");
  ::chmod((folder / "target").c_str(), 0444);
  if (::access((folder / "target").c_str(), W_OK) != 0) {
    CHECK_THROWS_WITH(AtomicFile(folder / "target"), Contains("Permission denied"));
  }
}
