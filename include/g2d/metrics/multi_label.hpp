// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>

#include <g2d/metrics/metric.hpp>

namespace g2d::metrics {

/// Share of right bits, and macro-F1 over all labels; a label is predicted when its logit is > 0. A label that occurs
/// in neither truth nor prediction counts as 0, as in scikit-learn and torchmetrics.
///
/// Shapes     logits [N, C], target [N, C] of 0 and 1.
[[nodiscard]] inline Metrics multi_label(const at::Tensor& logits, const at::Tensor& target) {
  const auto predicted = logits.gt(0).to(at::kDouble);
  const auto truth = target.gt(0.5).to(at::kDouble);
  const auto hits = predicted.mul(truth).sum(0);
  const auto asked = predicted.sum(0).add(truth.sum(0));
  const auto f1 = at::where(asked.gt(0), hits.mul(2.0).div(asked.clamp_min(1.0)), asked.new_zeros({}));
  return {{"accuracy", predicted.eq(truth).to(at::kDouble).mean().item<double>(), true},
          {"macro_f1", f1.mean().item<double>(), true}};
}

}  // namespace g2d::metrics
