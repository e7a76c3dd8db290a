// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <g2d/method/concept.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

/// The supervised loss on the fused output: the term "task", weight 1.
///
/// Use when   always: alone it is joint training.
/// Source     L_S in arXiv:2506.21514.
template <task::TaskPolicy Task>
class Supervised {
 public:
  explicit Supervised(Task task = Task()) : task_(std::move(task)) {}

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    terms.push_back({"task", {}, value(outputs, target), 1.0});
  }

 private:
  [[nodiscard]] at::Tensor value(const Outputs& outputs, const at::Tensor& target) const {
    if constexpr (requires { task_.loss(outputs.fused, target, outputs.log_softmax); }) {
      return task_.loss(outputs.fused, target, outputs.log_softmax);
    } else {
      return task_.loss(outputs.fused, target);
    }
  }

  Task task_;
};

}  // namespace g2d::method
