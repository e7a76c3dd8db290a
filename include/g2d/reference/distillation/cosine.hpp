// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/distillation/concept.hpp>

namespace g2d::reference::distillation {

/// One minus the cosine of the angle between the student's and the teacher's row, averaged over the samples:
///
///     value        = 1/B sum_i (1 - s_i . t_i / (|s_i| |t_i|))
///     gradient row = -1/B (t_i / |t_i| - cos_i s_i / |s_i|) / |s_i|
///
/// Norms below 1e-8 count as 1e-8, as in ATen's cosine_similarity; for such a student row the norm is a constant, and
/// the second term of the gradient falls away.
///
/// Shapes     [B, D] of both; with D = 1 only the sign is left, so predictions need D >= 2.
/// Errors     ShapeError if they differ in shape.
struct Cosine {
  static constexpr double smallest_norm = 1e-8;

  [[nodiscard]] double value(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    double sum = 0.0;
    for (Eigen::Index i = 0; i < student.rows(); ++i) sum += 1.0 - unit(student.row(i)).dot(unit(teacher.row(i)));
    return sum / static_cast<double>(student.rows());
  }

  [[nodiscard]] Matrix gradient(const Matrix& student, const Matrix& teacher) const {
    check(student, teacher);
    Matrix gradient(student.rows(), student.cols());
    for (Eigen::Index i = 0; i < student.rows(); ++i) {
      const RowVector s = unit(student.row(i));
      const RowVector t = unit(teacher.row(i));
      const double norm = student.row(i).norm();
      const double cosine = norm > smallest_norm ? s.dot(t) : 0.0;
      gradient.row(i) = -(t - cosine * s) / std::max(norm, smallest_norm) / static_cast<double>(student.rows());
    }
    return gradient;
  }

  [[nodiscard]] static RowVector unit(const RowVector& row) { return row / std::max(row.norm(), smallest_norm); }

  void check(const Matrix& student, const Matrix& teacher) const {
    detail::check_shape(teacher, student.rows(), student.cols(), "distillation::Cosine: teacher");
  }
};

static_assert(DistillationPolicy<Cosine>);

}  // namespace g2d::reference::distillation
