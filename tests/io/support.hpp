// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <torch/torch.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <string>

#include <g2d/io/tensors.hpp>

namespace g2d_test {

/// A folder of one test case's own, gone at its end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "g2d-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  [[nodiscard]] std::set<std::string> names() const {
    std::set<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) names.insert(entry.path().filename().string());
    return names;
  }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

inline bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && torch::equal(a, b);
}

inline bool same(const g2d::io::Tensors& a, const g2d::io::Tensors& b) {
  if (a.size() != b.size()) return false;
  for (const auto& item : a) {
    const auto* other = b.find(item.key());
    if (other == nullptr || !same(item.value(), *other)) return false;
  }
  return true;
}

/// A tensor of every dtype that files hold, of ranks 0 to 3, an empty one, a view and one whose gradient is wanted.
inline g2d::io::Tensors samples() {
  torch::manual_seed(11);
  g2d::io::Tensors all;
  for (const auto dtype : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar,
                           at::kByte, at::kBool}) {
    all.insert(fmt::format("{}.values", c10::toString(dtype)), torch::randint(0, 2, {3, 2, 5}).to(dtype));
  }
  all.insert("scalar", torch::tensor(7));
  all.insert("empty", torch::empty({0, 3}));
  all.insert("view", torch::arange(12).reshape({3, 4}).t());
  all.insert("part", torch::randn({100}).narrow(0, 10, 3));
  all.insert("wanted", torch::randn({4}).requires_grad_());
  return all;
}

/// Runs tests/io/python_weights.py; true when it succeeded.
inline bool run_python(const std::string& arguments) {
  const char* python = std::getenv("G2D_PYTHON");
  if (python == nullptr) return false;
  return std::system(fmt::format("'{}' -W ignore '{}/io/python_weights.py' {}", python, G2D_TEST_DIR, arguments).c_str()) == 0;
}

}  // namespace g2d_test
