// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>

#include <cstddef>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/method/detail/count_absent_as_mean.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/outputs.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method::detail {

/// The mean confidence of each modality's unimodal logits in a batch, [M]: a mean over the samples that have the
/// modality. One that no sample has counts as the mean of the others.
template <task::TaskPolicy Task>
[[nodiscard]] at::Tensor mean_confidences(const Task& task, const Batch& batch, const Outputs& outputs) {
  const auto target = outputs.kept(batch.target);
  std::vector<at::Tensor> means;
  for (std::size_t m = 0; m < outputs.unimodal.size(); ++m) {
    means.push_back(
        mean_over_present(task.confidence(outputs.unimodal[m], target), outputs.kept(present_column(batch, m))));
  }
  const auto all = at::stack(means);
  return batch.present.defined() ? count_absent_as_mean(all, outputs.kept(batch.present).any(0)) : all;
}

}  // namespace g2d::method::detail
