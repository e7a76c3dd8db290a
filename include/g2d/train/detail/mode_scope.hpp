// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>

#include <cstddef>
#include <memory>
#include <vector>

namespace g2d::detail {

/// Puts a module and all its children into training or evaluation mode, and puts each back into its own mode at the
/// end.
class ModeScope {
 public:
  ModeScope(torch::nn::Module& module, bool training)
      : root_(module), root_was_training_(module.is_training()), modules_(module.modules(/*include_self=*/false)) {
    was_training_.reserve(modules_.size());
    for (const auto& child : modules_) was_training_.push_back(child->is_training());
    module.train(training);
  }
  ModeScope(const ModeScope&) = delete;
  ModeScope& operator=(const ModeScope&) = delete;
  ~ModeScope() {
    // Parents first: train() of a parent walks into its children, which come later and are put right then.
    if (root_.is_training() != root_was_training_) root_.train(root_was_training_);
    for (std::size_t i = 0; i < modules_.size(); ++i) {
      if (modules_[i]->is_training() != was_training_[i]) modules_[i]->train(was_training_[i]);
    }
  }

 private:
  torch::nn::Module& root_;  // Apart from its children: a module on the stack has no shared_ptr.
  bool root_was_training_;
  std::vector<std::shared_ptr<torch::nn::Module>> modules_;
  std::vector<bool> was_training_;
};

}  // namespace g2d::detail
