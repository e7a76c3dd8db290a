// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

namespace g2d_test {

inline std::string bytes(const at::Tensor& tensor) {
  const auto values = tensor.detach().to(at::kCPU).contiguous();
  return {static_cast<const char*>(values.const_data_ptr()), values.nbytes()};
}

/// The bytes of every parameter and buffer of a module, by name.
using Snapshot = std::map<std::string, std::string>;

inline Snapshot snapshot(const torch::nn::Module& module) {
  Snapshot values;
  for (const auto& parameter : module.named_parameters()) values[parameter.key()] = bytes(parameter.value());
  for (const auto& buffer : module.named_buffers()) values[buffer.key()] = bytes(buffer.value());
  return values;
}

/// The names of what is not bit-identical any more.
inline std::vector<std::string> changed(const Snapshot& before, const torch::nn::Module& module) {
  std::vector<std::string> names;
  const auto after = snapshot(module);
  for (const auto& [name, value] : after) {
    if (before.at(name) != value) names.push_back(name);
  }
  return names;
}

}  // namespace g2d_test
