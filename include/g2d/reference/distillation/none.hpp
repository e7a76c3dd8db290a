// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/reference/distillation/concept.hpp>

namespace g2d::reference::distillation {

/// No distillation: the value is 0 and so is the gradient.
struct None {
  [[nodiscard]] double value(const Matrix& /*student*/, const Matrix& /*teacher*/) const { return 0.0; }

  [[nodiscard]] Matrix gradient(const Matrix& student, const Matrix& /*teacher*/) const {
    return Matrix::Zero(student.rows(), student.cols());
  }
};

static_assert(DistillationPolicy<None>);

}  // namespace g2d::reference::distillation
