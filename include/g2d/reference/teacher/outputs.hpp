// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/types.hpp>

namespace g2d::reference::teacher {

/// What the frozen teachers say of the samples of a batch: M features [B, D_m] and M logits [B, C]. Either may be left
/// empty: then there is nothing to distil from it.
struct Outputs {
  PerModality features;
  PerModality logits;
};

}  // namespace g2d::reference::teacher
