// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/sigmoid.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::confidence {

/// rho = 1/(N C) sum_ic (y_ic q_ic + (1 - y_ic) (1 - q_ic)), q = sigmoid(z): the mean probability of the true bits.
///
/// Shapes     teacher logits [N, C]; targets [N, C] of 0 and 1.
/// Errors     ShapeError if they differ in shape.
[[nodiscard]] inline double multi_label(const Matrix& logits, const Matrix& targets) {
  detail::check_shape(targets, logits.rows(), logits.cols(), "confidence::multi_label: targets");
  const Matrix q = sigmoid(logits);
  return (targets.array() * q.array() + (1.0 - targets.array()) * (1.0 - q.array())).mean();
}

}  // namespace g2d::reference::confidence
