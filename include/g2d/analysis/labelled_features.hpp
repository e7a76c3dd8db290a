// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

namespace g2d::analysis {

/// Features [N, D] and the targets of the same samples.
struct LabelledFeatures {
  at::Tensor features;
  at::Tensor target;
};

}  // namespace g2d::analysis
