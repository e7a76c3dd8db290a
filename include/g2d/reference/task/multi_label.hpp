// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/sigmoid.hpp>
#include <g2d/reference/task/concept.hpp>

namespace g2d::reference::task {

/// Binary cross-entropy of every label, mean over all samples and labels, q = sigmoid(z):
///
///     value    = 1/(B C) sum_ic -(y_ic log q_ic + (1 - y_ic) log(1 - q_ic)) = 1/(B C) sum_ic (softplus(z_ic) - y_ic
///     z_ic) gradient = 1/(B C) (q - y)
///
/// Shapes     logits [B, C]; targets [B, C], 1 where the label holds and 0 where not.
/// Errors     ShapeError if they differ in shape.
struct MultiLabel {
  using Target = Matrix;

  [[nodiscard]] double value(const Matrix& logits, const Matrix& targets) const {
    check(logits, targets);
    return (softplus(logits) - targets.cwiseProduct(logits)).mean();
  }

  [[nodiscard]] Matrix gradient(const Matrix& logits, const Matrix& targets) const {
    check(logits, targets);
    return (sigmoid(logits) - targets) / static_cast<double>(logits.size());
  }

  void check(const Matrix& logits, const Matrix& targets) const {
    detail::check_shape(targets, logits.rows(), logits.cols(), "task::MultiLabel: targets");
  }
};

static_assert(TaskPolicy<MultiLabel>);

}  // namespace g2d::reference::task
