// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_sigmoid.h>

#include <g2d/core/output_kind.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/kl_options.hpp>

namespace g2d::distillation {

/// Kullback-Leibler divergence of independent yes/no labels.
///
///     (tau^2 / B) sum_i sum_c KL(Bernoulli(sigmoid(teacher_ic / tau)) || Bernoulli(sigmoid(student_ic / tau)))
///
/// Use when   the predictions of a multi-label task are distilled.
/// Shapes     student, teacher: logits [B, C]; out: scalar. Gradient with respect to the student.
/// Dtype      floating, one dtype and one device; no transfers.
/// Units      nats times tau^2, summed over the labels.
/// Invariant  >= 0, zero at equality.
/// Cost       O(B C).
/// Errors     ConfigError for a temperature that is not positive; ShapeError when the two shapes differ.
/// Source     ours: the paper has no multi-label task.
/// Reference  g2d/reference/distillation/bernoulli_kl.hpp
class BernoulliKl {
 public:
  static constexpr bool for_features = false;
  [[nodiscard]] static constexpr bool admits(OutputKind kind) { return kind == OutputKind::Labels; }

  explicit BernoulliKl(KlOptions options = {}) : options_(options) {
    detail::check_temperature(options_, "distillation::BernoulliKl");
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    return per_sample(student, teacher).mean();
  }

  [[nodiscard]] at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    check_same_shape(student, teacher, "distillation::BernoulliKl");
    const auto s = student.div(options_.temperature);
    const auto t = teacher.div(options_.temperature);
    const auto p = t.sigmoid();
    const auto yes = p.mul(at::log_sigmoid(t).sub(at::log_sigmoid(s)));
    const auto no = t.neg().sigmoid().mul(at::log_sigmoid(t.neg()).sub(at::log_sigmoid(s.neg())));
    return yes.add(no).sum(1).mul(options_.temperature * options_.temperature);
  }

  [[nodiscard]] const KlOptions& options() const { return options_; }

 private:
  KlOptions options_;
};

static_assert(DistillationPolicy<BernoulliKl>);

}  // namespace g2d::distillation
