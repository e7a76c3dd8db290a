// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// A distillation measures how far the student's features or logits are from the teacher's, as one number, and knows
/// the gradient of that number with respect to the student's.
template <class Distillation>
concept DistillationPolicy = requires(const Distillation& distillation, const Matrix& student, const Matrix& teacher) {
  { distillation.value(student, teacher) } -> std::same_as<double>;
  { distillation.gradient(student, teacher) } -> std::same_as<Matrix>;
};

}  // namespace g2d::reference
