// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <cstddef>
#include <vector>

namespace g2d::detail {

/// A copy of all parameters and buffers of a module, to go back to.
class StateSnapshot {
 public:
  void take(const torch::nn::Module& module) {
    at::NoGradGuard no_grad;
    state_.clear();
    for (const auto& tensor : tensors(module)) state_.push_back(tensor.detach().clone());
  }

  void restore(torch::nn::Module& module) const {
    at::NoGradGuard no_grad;
    auto current = tensors(module);
    for (std::size_t i = 0; i < state_.size(); ++i) current[i].copy_(state_[i]);
  }

  [[nodiscard]] bool empty() const { return state_.empty(); }

 private:
  static std::vector<at::Tensor> tensors(const torch::nn::Module& module) {
    auto all = module.parameters();
    const auto buffers = module.buffers();
    all.insert(all.end(), buffers.begin(), buffers.end());
    return all;
  }

  std::vector<at::Tensor> state_;
};

}  // namespace g2d::detail
