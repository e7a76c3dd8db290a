// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>

namespace g2d::distillation::detail {

/// What a teacher says of the samples that have its modality, 0 of the others: NaN there would reach the gradient
/// through any weight.
[[nodiscard]] inline at::Tensor known(const at::Tensor& teacher, const at::Tensor& present) {
  return at::where(present.unsqueeze(1), teacher, teacher.new_zeros({}));
}

/// 1 / (number of samples present) for each that is, 0 for the others; all 0 when none is. present: bool [..., B].
[[nodiscard]] inline at::Tensor shares(const at::Tensor& present, at::ScalarType dtype) {
  const auto weights = present.to(dtype);
  return weights.div(weights.sum(-1, /*keepdim=*/true).clamp_min(1.0));
}

}  // namespace g2d::distillation::detail
