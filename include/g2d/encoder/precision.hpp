// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

namespace g2d {

/// The arithmetic of an encoder's layers. Weights, gradients, norm statistics, features and losses keep their own
/// dtype.
enum class Precision {
  Full,  ///< That of the weights.
  /// Convolutions and matrix products in bfloat16 (LibTorch's autocast): 1.6 to 2 times the speed of ResNet-18 on a
  /// CPU, three significant digits.
  BFloat16,
  /// The same in float16: four significant digits, a small range. `Step` scales the loss for it by itself, and skips
  /// steps that overflow until the scale fits. For accelerators without bfloat16.
  Float16,
};

}  // namespace g2d
