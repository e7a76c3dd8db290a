// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method::detail {

/// The task's loss of one modality's logits, over the samples that have it, bool [B]; 0 when none has. Undefined: all.
///
/// Cost       that of the loss. A task that is not `task::SplitsBySample` is given those rows alone, and an accelerator
///            is waited for to know them.
template <task::TaskPolicy Task>
[[nodiscard]] at::Tensor present_loss(const Task& task, const at::Tensor& logits, const at::Tensor& target,
                                      const at::Tensor& present) {
  if (!present.defined()) return task.loss(logits, target);
  if constexpr (task::SplitsBySample<Task>) {
    return weighted_mean_over_present(task.sample_losses(logits, target), task.sample_weights(logits, target), present);
  } else {
    const auto rows = present.nonzero().squeeze(1);
    if (rows.size(0) == 0) return logits.sum().mul(0.0);
    return task.loss(logits.index_select(0, rows), target.index_select(0, rows));
  }
}

}  // namespace g2d::method::detail
