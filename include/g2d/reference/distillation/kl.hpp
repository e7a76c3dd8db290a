// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/distillation/concept.hpp>
#include <g2d/reference/softmax.hpp>

namespace g2d::reference::distillation {

/// Kullback-Leibler divergence of the softened class probabilities, p the teacher's and q the student's:
///
///     value    = tau^2 / B sum_i sum_c p_ic (log p_ic - log q_ic),  p = softmax(teacher / tau), q = softmax(student /
///     tau) gradient = tau / B (q - p)
///
/// Shapes     logits [B, C] of both.
/// Errors     ShapeError if they differ in shape; ConfigError unless tau > 0.
/// Source     Hinton et al. 2015, arXiv:1503.02531; the factor tau^2 keeps the gradient's size independent of tau.
struct Kl {
  double temperature = 1.0;

  [[nodiscard]] double value(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    const Matrix log_p = log_softmax(teacher / temperature);
    const Matrix log_q = log_softmax(student / temperature);
    const double divergence = (log_p.array().exp() * (log_p - log_q).array()).sum();
    return temperature * temperature * divergence / static_cast<double>(student.rows());
  }

  [[nodiscard]] Matrix gradient(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    return temperature / static_cast<double>(student.rows()) *
           (softmax(student / temperature) - softmax(teacher / temperature));
  }

  void check(const Matrix& student, const Matrix& teacher) const {
    detail::check_positive(temperature, "temperature", "distillation::Kl");
    detail::check_shape(teacher, student.rows(), student.cols(), "distillation::Kl: teacher");
  }
};

static_assert(DistillationPolicy<Kl>);

}  // namespace g2d::reference::distillation
