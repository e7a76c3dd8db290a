// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/distillation/concept.hpp>
#include <g2d/reference/sigmoid.hpp>

namespace g2d::reference::distillation {

/// The Kullback-Leibler divergence for multi-label outputs, where every label is a Bernoulli variable of its own;
/// summed over labels, as the divergence of independent variables is:
///
///     value    = tau^2 / B sum_i sum_c [ p log(p / q) + (1 - p) log((1 - p) / (1 - q)) ]
///     gradient = tau / B (q - p),   p = sigmoid(teacher / tau), q = sigmoid(student / tau)
///
/// Shapes     logits [B, C] of both.
/// Errors     ShapeError if they differ in shape; ConfigError unless tau > 0.
struct BernoulliKl {
  double temperature = 1.0;

  [[nodiscard]] double value(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    const Matrix s = student / temperature;
    const Matrix t = teacher / temperature;
    const Matrix p = sigmoid(t);
    const Matrix log_ratio = softplus(-s) - softplus(-t);        // log(p / q)
    const Matrix log_ratio_of_rest = softplus(s) - softplus(t);  // log((1 - p) / (1 - q))
    const double divergence = (p.array() * log_ratio.array() + (1.0 - p.array()) * log_ratio_of_rest.array()).sum();
    return temperature * temperature * divergence / static_cast<double>(student.rows());
  }

  [[nodiscard]] Matrix gradient(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    return temperature / static_cast<double>(student.rows()) *
           (sigmoid(student / temperature) - sigmoid(teacher / temperature));
  }

  void check(const Matrix& student, const Matrix& teacher) const {
    detail::check_positive(temperature, "temperature", "distillation::BernoulliKl");
    detail::check_shape(teacher, student.rows(), student.cols(), "distillation::BernoulliKl: teacher");
  }
};

static_assert(DistillationPolicy<BernoulliKl>);

}  // namespace g2d::reference::distillation
