// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>

#include <g2d/task/concept.hpp>

namespace g2d::method::detail {

/// The task's loss of what one modality says, with a gradient from the samples alone that have it, bool [B]; undefined:
/// all. The mean is still over the whole batch, so that a sample counts here for what it counts in the fused term.
template <task::TaskPolicy Task>
[[nodiscard]] at::Tensor present_loss(const Task& task, const at::Tensor& logits, const at::Tensor& target,
                                      const at::Tensor& present) {
  if (!present.defined()) return task.loss(logits, target);
  return task.loss(at::where(present.unsqueeze(1), logits, logits.detach()), target);
}

}  // namespace g2d::method::detail
