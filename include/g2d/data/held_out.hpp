// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

namespace g2d::data {

/// Two disjoint sets of rows, int64, each in ascending order.
struct HeldOut {
  at::Tensor kept;
  at::Tensor held_out;
};

}  // namespace g2d::data
