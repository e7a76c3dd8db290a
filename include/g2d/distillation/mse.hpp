// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/mse_loss.h>

#include <g2d/core/shape.hpp>
#include <g2d/distillation/concept.hpp>

namespace g2d::distillation {

struct MseOptions {
  /// false: mean over all elements (the authors' code). true: the paper's squared norm, summed over the width.
  bool squared_norm = false;
};

/// Mean squared error.
///
///     (1 / (B D)) sum_i ||s_i - t_i||^2,  or with squared_norm  (1 / B) sum_i ||s_i - t_i||^2
///
/// Use when   features are distilled (the paper's choice), or the predictions of a regression.
/// Shapes     student, teacher: [B, D]; out: scalar. Gradient with respect to the student.
/// Dtype      floating, one dtype and one device; no transfers.
/// Units      squares of the features' or the target's unit.
/// Cost       O(B D).
/// Errors     ShapeError when the two shapes differ.
/// Source     arXiv:2506.21514, feature distillation.
/// Deviates   the default is the authors' code's mean over elements, D times smaller than the paper's squared norm.
/// Reference  g2d/reference/distillation/mse.hpp
class Mse {
 public:
  Mse() = default;
  explicit Mse(MseOptions options) : options_(options) {}

  [[nodiscard]] at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    check_same_shape(student, teacher, "distillation::Mse");
    const auto loss = at::mse_loss(student, teacher, at::Reduction::Mean);
    return options_.squared_norm ? loss.mul(student.size(1)) : loss;
  }

  [[nodiscard]] at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    check_same_shape(student, teacher, "distillation::Mse");
    const auto squares = at::mse_loss(student, teacher, at::Reduction::None);
    return options_.squared_norm ? squares.sum(1) : squares.mean(1);
  }

  [[nodiscard]] const MseOptions& options() const { return options_; }

 private:
  MseOptions options_;
};

static_assert(DistillationPolicy<Mse>);

}  // namespace g2d::distillation
