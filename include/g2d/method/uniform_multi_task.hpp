// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/present_loss.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

/// Uniform multi-task training: every modality answers for itself as well.
///
///     L = L_task(z, y) + sum_m L_task(z_m, y)
///
/// The loss of a modality is over the samples that have it.
///
/// Use when   a strong, cheap baseline is wanted. The student's readout should be `readout::OwnHeads`, which these
///            terms train.
/// Cost       the readout's heads.
/// Source     the uniform baseline of MMPareto, arXiv:2405.17730.
template <task::TaskPolicy Task>
class UniformMultiTask {
 public:
  static constexpr Needs needs{.unimodal = true};

  explicit UniformMultiTask(Task task = Task()) : task_(std::move(task)) {}

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    terms.push_back({"task", {}, task_.loss(outputs.fused, target), 1.0});
    for (std::size_t m = 0; m < outputs.unimodal.size(); ++m) {
      const auto present = outputs.kept(present_column(context.batch, m));
      terms.push_back({"unimodal", m, detail::present_loss(task_, outputs.unimodal[m], target, present), 1.0});
    }
  }

 private:
  Task task_;
};

}  // namespace g2d::method
