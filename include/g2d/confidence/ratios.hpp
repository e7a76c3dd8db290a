// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones_like.h>

namespace g2d::confidence {

/// How much surer a modality is than the others: r_m = rho_m / mean_{j != m} rho_j.
///
/// Shapes     in: [M], floating; out: [M]. M = 1: 1. Stays on its device.
/// Units      none; > 1 for a modality surer than the mean of the others.
/// Source     OGM (arXiv:2203.15332) for M = 2; the mean over the others is ours.
[[nodiscard]] inline at::Tensor ratios(const at::Tensor& confidence) {
  const auto modalities = confidence.size(0);
  if (modalities == 1) return at::ones_like(confidence);
  const auto others = confidence.sum().sub(confidence).div(static_cast<double>(modalities - 1));
  return confidence.div(others);
}

}  // namespace g2d::confidence
