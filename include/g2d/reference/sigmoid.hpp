// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// log(1 + exp(z)), element by element, without overflow. log sigmoid(z) = -softplus(-z).
[[nodiscard]] inline Matrix softplus(const Matrix& logits) {
  return logits.array().max(0.0) + (-logits.array().abs()).exp().log1p();
}

/// 1 / (1 + exp(-z)), element by element.
[[nodiscard]] inline Matrix sigmoid(const Matrix& logits) { return (-softplus(-logits)).array().exp(); }

}  // namespace g2d::reference
