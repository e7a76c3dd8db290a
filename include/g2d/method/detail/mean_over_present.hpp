// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

namespace g2d::method::detail {

/// The mean of values [B] over the samples that count, bool [B]; 0 when none does. Undefined: all count.
[[nodiscard]] inline at::Tensor mean_over_present(const at::Tensor& values, const at::Tensor& present) {
  if (!present.defined()) return values.mean();
  const auto weights = present.to(values.scalar_type());
  return values.mul(weights).sum().div(weights.sum().clamp_min(1.0));
}

}  // namespace g2d::method::detail
