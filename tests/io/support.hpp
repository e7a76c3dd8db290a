// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdlib>
#include <filesystem>
#include <set>
#include <string>

#include <g2d/io/tensors.hpp>

#include "support/temporary_folder.hpp"
#include "support/test_directory.hpp"

namespace g2d_test {

inline std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
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
  for (const auto dtype : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort,
                           at::kChar, at::kByte, at::kBool}) {
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
  if (python == nullptr || *python == '\0') return false;
  const auto script = (test_directory() / "io/python_weights.py").string();
  return std::system(fmt::format("'{}' -W ignore '{}' {}", python, script, arguments).c_str()) == 0;
}

}  // namespace g2d_test
