// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>

namespace g2d::method::detail {

/// Scores [M] in which a modality that is not there, bool [M], counts as the mean of the others.
[[nodiscard]] inline at::Tensor count_absent_as_mean(const at::Tensor& scores, const at::Tensor& is_there) {
  const auto sum = at::where(is_there, scores, at::zeros_like(scores)).sum();
  return at::where(is_there, scores, sum.div(is_there.sum().clamp_min(1)));
}

}  // namespace g2d::method::detail
