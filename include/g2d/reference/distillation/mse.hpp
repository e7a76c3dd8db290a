// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/distillation/concept.hpp>

namespace g2d::reference::distillation {

/// Squared difference of features or logits:
///
///     value    = 1/N sum_i |s_i - t_i|^2
///     gradient = 2/N (s - t)
///
/// with N = B D, the mean over all elements, as in the authors' code; or with `squared_norm` N = B, as in the paper.
///
/// Shapes     [B, D] of both.
/// Errors     ShapeError if they differ in shape.
struct Mse {
  bool squared_norm = false;

  [[nodiscard]] double value(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    return (student - teacher).squaredNorm() / divisor(student);
  }

  [[nodiscard]] Matrix gradient(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    return 2.0 / divisor(student) * (student - teacher);
  }

  /// N.
  [[nodiscard]] double divisor(const Matrix& student) const {
    return static_cast<double>(squared_norm ? student.rows() : student.size());
  }

  void check(const Matrix& student, const Matrix& teacher) const {
    detail::check_shape(teacher, student.rows(), student.cols(), "distillation::Mse: teacher");
  }
};

static_assert(DistillationPolicy<Mse>);

}  // namespace g2d::reference::distillation
