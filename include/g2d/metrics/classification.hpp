// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/bincount.h>

#include <cstdint>

#include <g2d/metrics/metric.hpp>

namespace g2d::metrics {

/// Counts [C, C]: row = true class, column = predicted class.
[[nodiscard]] inline at::Tensor confusion_matrix(const at::Tensor& logits, const at::Tensor& target) {
  const auto classes = logits.size(1);
  return at::bincount(target.mul(classes).add(logits.argmax(1)), {}, classes * classes).view({classes, classes});
}

/// Accuracy, and macro-F1: the unweighted mean of 2 TP / (2 TP + FP + FN) over the classes that occur in truth or
/// prediction, as scikit-learn and torchmetrics take it by default. A class that occurs in neither has no F1.
///
/// Shapes     logits [N, C], target int64 [N], N > 0.
[[nodiscard]] inline Metrics classification(const at::Tensor& logits, const at::Tensor& target) {
  const auto confusion = confusion_matrix(logits, target).to(at::kDouble);
  const auto hits = confusion.diagonal();
  const auto asked = confusion.sum(0).add(confusion.sum(1));  // 2 TP + FP + FN
  const auto occurs = asked.gt(0);
  const auto f1 = hits.masked_select(occurs).mul(2.0).div(asked.masked_select(occurs));
  return {{"accuracy", hits.sum().div(confusion.sum()).item<double>(), true},
          {"macro_f1", f1.mean().item<double>(), true}};
}

}  // namespace g2d::metrics
