// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/log_softmax.h>

#include <g2d/core/output_kind.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/kl_options.hpp>

namespace g2d::distillation {

/// Kullback-Leibler divergence of the softened class distributions.
///
///     (tau^2 / B) sum_i sum_c p_ic (log p_ic - log q_ic),  p = softmax(teacher / tau), q = softmax(student / tau)
///
/// Use when   the predictions of a classification are distilled (the paper's choice).
/// Shapes     student, teacher: logits [B, C]; out: scalar. Gradient with respect to the student.
/// Dtype      floating, one dtype and one device; no transfers.
/// Units      nats times tau^2, which keeps the gradient's size free of tau.
/// Invariant  >= 0, zero at equality. With one tau, sum_m b_m KL(p_m || q) differs from (sum_m b_m) KL(p || q), p the
///            weighted mean of the p_m, by a constant of the student: several teachers act as their mean.
/// Cost       O(B C).
/// Errors     ConfigError for a temperature that is not positive; ShapeError when the two shapes differ.
/// Source     Hinton et al. 2015, arXiv:1503.02531; arXiv:2506.21514, logit distillation.
/// Deviates   none: the mean is over samples ("batchmean"), not over elements.
/// Reference  g2d/reference/distillation/kl.hpp
class Kl {
 public:
  static constexpr bool for_features = false;
  [[nodiscard]] static constexpr bool admits(OutputKind kind) { return kind == OutputKind::Classes; }

  explicit Kl(KlOptions options = {}) : options_(options) { detail::check_temperature(options_, "distillation::Kl"); }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& student, const at::Tensor& teacher) const {
    return divergence(student, teacher, at::Reduction::Sum).mul(scale() / static_cast<double>(student.size(0)));
  }

  [[nodiscard]] at::Tensor per_sample(const at::Tensor& student, const at::Tensor& teacher) const {
    return divergence(student, teacher, at::Reduction::None).sum(1).mul(scale());
  }

  [[nodiscard]] const KlOptions& options() const { return options_; }

 private:
  [[nodiscard]] double scale() const { return options_.temperature * options_.temperature; }

  [[nodiscard]] at::Tensor divergence(const at::Tensor& student, const at::Tensor& teacher,
                                      at::Reduction::Reduction reduction) const {
    check_same_shape(student, teacher, "distillation::Kl");
    return at::kl_div(log_probabilities(student), log_probabilities(teacher), reduction, /*log_target=*/true);
  }

  [[nodiscard]] at::Tensor log_probabilities(const at::Tensor& logits) const {
    return at::log_softmax(options_.temperature == 1.0 ? logits : logits.div(options_.temperature), 1);
  }

  KlOptions options_;
};

static_assert(DistillationPolicy<Kl>);

}  // namespace g2d::distillation
