// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/softmax.hpp>
#include <g2d/reference/task/concept.hpp>

namespace g2d::reference::task {

/// Cross-entropy, p = softmax(logits), with class weights w (all 1 if none are given) and label smoothing eps:
///
///     a_ic     = (1 - eps) w_c [c = y_i] + eps / C w_c              how much sample i asks for class c
///     value    = sum_ic a_ic (-log p_ic) / sum_i w_{y_i}
///     gradient = ((sum_k a_ik) p_ic - a_ic) / sum_i w_{y_i}
///
/// Shapes     logits [B, C]; B labels in [0, C); C class weights or none.
/// Errors     ShapeError on counts; DataError for a label outside [0, C); ConfigError unless 0 <= eps < 1.
struct Classification {
  using Target = Labels;

  std::vector<double> class_weights;
  double label_smoothing = 0.0;

  [[nodiscard]] double value(const Matrix& logits, const Labels& labels) const {
    check(logits, labels);
    return -asked_for(logits.cols(), labels).cwiseProduct(log_softmax(logits)).sum() / total_weight(labels);
  }

  [[nodiscard]] Matrix gradient(const Matrix& logits, const Labels& labels) const {
    check(logits, labels);
    const Matrix a = asked_for(logits.cols(), labels);
    const Eigen::VectorXd a_sums = a.rowwise().sum();
    return (a_sums.asDiagonal() * softmax(logits) - a) / total_weight(labels);
  }

  [[nodiscard]] double class_weight(std::int64_t label) const {
    return class_weights.empty() ? 1.0 : class_weights[static_cast<std::size_t>(label)];
  }

  /// a, [B, C].
  [[nodiscard]] Matrix asked_for(Eigen::Index num_classes, const Labels& labels) const {
    Matrix a(static_cast<Eigen::Index>(labels.size()), num_classes);
    for (Eigen::Index i = 0; i < a.rows(); ++i) {
      for (Eigen::Index c = 0; c < num_classes; ++c) {
        const double is_true_class = labels[static_cast<std::size_t>(i)] == c ? 1.0 : 0.0;
        a(i, c) = class_weight(c) *
                  ((1.0 - label_smoothing) * is_true_class + label_smoothing / static_cast<double>(num_classes));
      }
    }
    return a;
  }

  /// sum_i w_{y_i}.
  [[nodiscard]] double total_weight(const Labels& labels) const {
    double sum = 0.0;
    for (const std::int64_t label : labels) sum += class_weight(label);
    return sum;
  }

  void check(const Matrix& logits, const Labels& labels) const {
    detail::check_labels(logits, labels, "task::Classification");
    if (!class_weights.empty()) {
      detail::check_count(class_weights.size(), static_cast<std::size_t>(logits.cols()), "class weights",
                          "task::Classification");
    }
    if (!(label_smoothing >= 0.0 && label_smoothing < 1.0)) {
      throw ConfigError("g2d: reference::task::Classification: expected label smoothing in [0, 1), got " +
                        std::to_string(label_smoothing));
    }
  }
};

static_assert(TaskPolicy<Classification>);

}  // namespace g2d::reference::task
