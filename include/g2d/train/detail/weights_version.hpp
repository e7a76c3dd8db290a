// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <cstdint>
#include <vector>

namespace g2d::detail {

/// Equal as long as nobody has written to a module's parameters and buffers, or put others in their place.
class WeightsVersion {
 public:
  WeightsVersion() = default;
  explicit WeightsVersion(const torch::nn::Module& module) {
    for (const auto& parameter : module.parameters()) add(parameter);
    for (const auto& buffer : module.buffers()) add(buffer);
  }

  friend bool operator==(const WeightsVersion&, const WeightsVersion&) = default;

 private:
  struct Entry {
    const void* data = nullptr;
    std::int64_t version = 0;
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  void add(const at::Tensor& tensor) { entries_.push_back({tensor.const_data_ptr(), tensor._version()}); }

  std::vector<Entry> entries_;
};

}  // namespace g2d::detail
