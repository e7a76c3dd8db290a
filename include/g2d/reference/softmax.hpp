// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// log softmax(z)_c = z_c - log sum_k exp(z_k), row by row; the row's maximum is taken out first, so that nothing
/// overflows.
[[nodiscard]] inline Matrix log_softmax(const Matrix& logits) {
  const Matrix shifted = logits.colwise() - logits.rowwise().maxCoeff();
  const Eigen::VectorXd log_normaliser = shifted.array().exp().rowwise().sum().log();
  return shifted.colwise() - log_normaliser;
}

/// softmax(z)_c = exp(z_c) / sum_k exp(z_k), row by row.
[[nodiscard]] inline Matrix softmax(const Matrix& logits) { return log_softmax(logits).array().exp(); }

}  // namespace g2d::reference
