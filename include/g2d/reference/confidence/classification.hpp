// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/softmax.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::confidence {

/// rho = 1/N sum_i softmax(z_i)[y_i]: the mean probability that a teacher gives to the true class.
///
/// Shapes     teacher logits [N, C]; N labels in [0, C).
/// Errors     ShapeError on counts; DataError for a label outside [0, C).
[[nodiscard]] inline double classification(const Matrix& logits, const Labels& labels) {
  detail::check_labels(logits, labels, "confidence::classification");
  const Matrix probabilities = softmax(logits);
  double sum = 0.0;
  for (std::size_t i = 0; i < labels.size(); ++i) sum += probabilities(static_cast<Eigen::Index>(i), labels[i]);
  return sum / static_cast<double>(labels.size());
}

}  // namespace g2d::reference::confidence
