// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>

#include <cstdint>

#include <g2d/task/concept.hpp>

namespace g2d::method::detail {

/// What each sample counts in the loss of a task of classes, [B]: its class's weight, 1 where a task does not tell.
template <task::TaskPolicy Task>
[[nodiscard]] at::Tensor class_weights(const Task& task, const at::Tensor& logits, const at::Tensor& target) {
  if constexpr (task::SplitsBySample<Task>) {
    return task.sample_weights(logits, target);
  } else {
    return logits.new_ones({target.size(0)});
  }
}

/// What each sample adds to the loss of a task of classes, [B], class weights and label smoothing included; the plain
/// cross-entropy where a task does not tell.
template <task::TaskPolicy Task>
[[nodiscard]] at::Tensor class_losses(const Task& task, const at::Tensor& logits, const at::Tensor& target) {
  if constexpr (task::SplitsBySample<Task>) {
    return task.sample_losses(logits, target);
  } else {
    return at::log_softmax(logits, 1).gather(1, target.unsqueeze(1)).squeeze(1).neg();
  }
}

}  // namespace g2d::method::detail
