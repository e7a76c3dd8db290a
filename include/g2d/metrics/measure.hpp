// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/output_kind.hpp>
#include <g2d/metrics/classification.hpp>
#include <g2d/metrics/metric.hpp>
#include <g2d/metrics/multi_label.hpp>
#include <g2d/metrics/regression.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::metrics {

/// The metrics that a task's outputs are judged by, over a whole dataset; regression in the unit of the target.
template <task::TaskPolicy Task>
[[nodiscard]] Metrics measure(const Task& task, const at::Tensor& output, const at::Tensor& target) {
  switch (static_cast<OutputKind>(task.output_kind)) {
    case OutputKind::Classes:
      return classification(output, target);
    case OutputKind::Labels:
      return multi_label(output, target);
    case OutputKind::Values:
      break;
  }
  if constexpr (requires { task.in_target_unit(output); }) {
    return regression(task.in_target_unit(output), target);
  } else {
    return regression(output, target);
  }
}

}  // namespace g2d::metrics
