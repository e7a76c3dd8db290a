// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cosine_similarity.h>

#include <cstdint>

#include <g2d/core/shape.hpp>
#include <g2d/distillation/concept.hpp>

namespace g2d::distillation {

/// Cosine distance: direction counts, length does not.
///
///     (1 / B) sum_i (1 - <s_i, t_i> / (||s_i|| ||t_i||))
///
/// Use when   student and teacher features differ in scale.
/// Shapes     student, teacher: [B, D], D >= 2 for predictions; out: scalar. Gradient with respect to the student.
/// Dtype      floating, one dtype and one device; no transfers. Norms are bounded below by 1e-8.
/// Units      none; in [0, 2].
/// Invariant  zero at equality of non-zero rows; a zero row counts 1 and has no gradient direction.
/// Cost       O(B D).
/// Errors     ShapeError when the two shapes differ.
/// Source     the distillation formulas compared with KL and MSE in G2D.
/// Reference  g2d/reference/distillation/cosine.hpp
class Cosine {
 public:
  static constexpr std::int64_t min_outputs = 2;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    return per_sample(student, teacher).mean();
  }

  [[nodiscard]] at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    check_same_shape(student, teacher, "distillation::Cosine");
    return at::cosine_similarity(student, teacher, 1).neg().add(1.0);
  }
};

static_assert(DistillationPolicy<Cosine>);

}  // namespace g2d::distillation
