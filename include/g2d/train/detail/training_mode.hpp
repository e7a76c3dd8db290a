// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>

#include <algorithm>

#include <g2d/train/detail/mode_scope.hpp>

namespace g2d::detail {

/// Whether it has parameters and none of them takes a gradient.
[[nodiscard]] inline bool is_frozen_by_caller(const torch::nn::Module& module) {
  const auto parameters = module.parameters();
  return !parameters.empty() &&
         std::none_of(parameters.begin(), parameters.end(), [](const auto& p) { return p.requires_grad(); });
}

/// Training mode for a module, except for the children that the caller froze: all their parameters need no gradient.
/// Every module's own mode is put back at the end.
class TrainingMode {
 public:
  explicit TrainingMode(torch::nn::Module& module) : modes_(module, /*training=*/true) {
    for (const auto& child : module.modules(/*include_self=*/false)) {
      if (is_frozen_by_caller(*child)) child->eval();
    }
  }

 private:
  ModeScope modes_;
};

}  // namespace g2d::detail
