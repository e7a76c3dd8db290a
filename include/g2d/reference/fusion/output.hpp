// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/types.hpp>

namespace g2d::reference::fusion {

/// What a fusion hands on: M features [B, D_m] for feature distillation, and the fused logits [B, C].
struct Output {
  PerModality features;
  Matrix logits;
};

/// The gradient of a loss with respect to each entry of an Output has the same form.
using OutputGradient = Output;

}  // namespace g2d::reference::fusion
