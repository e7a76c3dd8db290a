// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>

namespace g2d::method::detail {

/// Values [B] or [B, D], 0 in the rows that do not count, bool [B]: whatever was there, NaN too.
[[nodiscard]] inline at::Tensor only_present(const at::Tensor& values, const at::Tensor& present) {
  return at::where(values.dim() > 1 ? present.unsqueeze(1) : present, values, values.new_zeros({}));
}

/// The mean of values [B] or [B, D] over the samples that count, bool [B]; 0 when none does. Undefined: all count.
[[nodiscard]] inline at::Tensor mean_over_present(const at::Tensor& values, const at::Tensor& present) {
  if (!present.defined()) return values.mean(0);
  return only_present(values, present).sum(0).div(present.sum().clamp_min(1));
}

/// The sum of values [B] over that of weights [B] >= 0, both of the samples that count; 0 when none does.
[[nodiscard]] inline at::Tensor weighted_mean_over_present(const at::Tensor& values, const at::Tensor& weights,
                                                           const at::Tensor& present) {
  if (!present.defined()) return values.sum().div(weights.sum());
  const auto weight = only_present(weights, present).sum();
  return only_present(values, present).sum().div(at::where(weight.gt(0.0), weight, weight.new_ones({})));
}

}  // namespace g2d::method::detail
