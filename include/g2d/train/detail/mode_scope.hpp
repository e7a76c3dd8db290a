// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace g2d::detail {

/// Puts a module and all its children into training or evaluation mode, and puts each back into its own mode at the end.
class ModeScope {
 public:
  ModeScope(torch::nn::Module& module, bool training) : modules_(module.modules()) {
    was_training_.reserve(modules_.size());
    for (const auto& child : modules_) was_training_.push_back(child->is_training());
    module.train(training);
  }
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;
  ~ModeScope() {
    // Parents first: train() of a parent walks into its children, which come later and are put right then.
    for (std::size_t i = 0; i < modules_.size(); ++i) {
      if (modules_[i]->is_training() != was_training_[i]) modules_[i]->train(was_training_[i]);
    }
  }

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<bool> was_training_;
};

}  // namespace g2d::detail
