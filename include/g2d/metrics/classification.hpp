// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/where.h>

#include <cstdint>

#include <g2d/metrics/metric.hpp>

namespace g2d::metrics {

/// Counts [C, C]: row = true class, column = predicted class.
[[nodiscard]] inline at::Tensor confusion_matrix(const at::Tensor& logits, const at::Tensor& target) {
  const auto classes = logits.size(1);
  return at::bincount(target.mul(classes).add(logits.argmax(1)), {}, classes * classes).view({classes, classes});
}

/// Accuracy, and macro-F1: the unweighted mean over all C classes of 2 P R / (P + R), 0 where undefined.
///
/// Shapes     logits [N, C], target int64 [N].
[[nodiscard]] inline Metrics classification(const at::Tensor& logits, const at::Tensor& target) {
  const auto confusion = confusion_matrix(logits, target).to(at::kDouble);
  const auto hits = confusion.diagonal();
  const auto asked = confusion.sum(0).add(confusion.sum(1));  // 2 TP + FP + FN
  const auto f1 = at::where(asked.gt(0), hits.mul(2.0).div(asked.clamp_min(1.0)), asked.new_zeros({}));
  return {{"accuracy", hits.sum().div(confusion.sum()).item<double>(), true},
          {"macro_f1", f1.mean().item<double>(), true}};
}

}  // namespace g2d::metrics
