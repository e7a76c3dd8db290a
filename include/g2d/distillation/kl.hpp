// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmv.h>
#include <ATen/ops/kl_div.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/output_kind.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/core/shared_log_softmax.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/detail/present.hpp>
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
/// Invariant  >= 0, zero at equality, to rounding. With one tau, sum_m b_m KL(p_m || q) differs from (sum_m b_m) KL(p
///            || q), p the weighted mean of the p_m, by a constant of the student: several teachers act as their mean
///            (`mean_over_teachers`).
/// Cost       O(B C); M teachers at once O(M B C) with one log-softmax of the student, forward and backward.
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

  /// The divergence from each of M teachers [B, C], each the mean over its own present samples; see
  /// `distillation::mean_to_each`.
  ///
  ///     KL(p_m || q) = sum_c p_mc log p_mc - sum_c p_mc log q_c
  ///
  /// The first sum has no gradient; the second is, for all m, one matrix-vector product, whose backward sum_m b_m p_m
  /// is the weighted mean teacher: one pass over the p_m, then one log-softmax backward for all terms. The values are
  /// apart nevertheless, each with a gradient of its own. Forming the mean teacher first saves nothing once the values
  /// are wanted; products sample by sample (batched) cost ten times as much, for BLAS has no fast way for them. On a
  /// CPU the samples are taken in blocks that stay in its cache: it is faster, allocates no large buffers, and keeps
  /// the product's sums short enough for float32.
  [[nodiscard]] PerModality<at::Tensor> mean_to_each(const at::Tensor& student, ModalitySpan<at::Tensor> teachers,
                                                     ModalitySpan<at::Tensor> present,
                                                     const SharedLogSoftmax& shared = {}) const {
    for (const auto& teacher : teachers) check_same_shape(student, teacher, "distillation::Kl");
    const auto num_teachers = static_cast<std::int64_t>(teachers.size());
    const auto shares = present.empty() ? at::Tensor()
                                        : detail::shares(at::stack(at::TensorList(present.data(), present.size())),
                                                         student.scalar_type());
    const double factor = shares.defined() ? scale() : scale() / static_cast<double>(student.size(0));
    const auto log_q = log_probabilities(student, shared);
    const auto rows = rows_of_a_block(student, num_teachers);
    const auto blocks = rows < student.size(0) ? log_q.split(rows) : std::vector<at::Tensor>{log_q};
    const auto part_of = [rows](const at::Tensor& all, std::int64_t dim, std::int64_t first) {
      return rows < all.size(dim) ? all.narrow(dim, first, std::min(rows, all.size(dim) - first)) : all;
    };
    at::Tensor means;
    std::int64_t first = 0;
    for (const auto& block : blocks) {
      std::vector<at::Tensor> logits;
      for (std::size_t m = 0; m < teachers.size(); ++m) {
        const auto part = part_of(teachers[m], 0, first);
        logits.push_back(present.empty() ? part : detail::known(part, part_of(present[m], 0, first)));
      }
      const auto log_p = log_probabilities(at::stack(logits).to(student.scalar_type()));
      auto p = log_p.exp();
      if (shares.defined()) p = p.mul(part_of(shares, 1, first).unsqueeze(2));
      const auto entropy_terms = p.mul(log_p).sum(at::IntArrayRef{1, 2});
      const auto part = at::addmv(entropy_terms, p.view({num_teachers, -1}), block.reshape(-1), factor, -factor);
      means = means.defined() ? means.add(part) : part;
      first += rows;
    }
    const auto each = means.unbind();
    return PerModality<at::Tensor>(each.begin(), each.end());
  }

  /// M teachers [B, C] as one, for `mean_over_teachers`. Without a gradient.
  [[nodiscard]] MeanTeacher mean_of(ModalitySpan<at::Tensor> teachers) const {
    const at::NoGradGuard no_grad;
    const auto log_p = log_probabilities(at::stack(at::TensorList(teachers.data(), teachers.size())));
    const auto p = log_p.exp();
    return {p.mean(0), p.mul(log_p).sum(2).mean(0)};
  }

  /// (1/M) sum_m of `mean_to_each`, with its gradient, at a cost that knows no M; no value of a single teacher comes
  /// out.
  [[nodiscard]] at::Tensor mean_over_teachers(const at::Tensor& student, const MeanTeacher& mean,
                                              const SharedLogSoftmax& shared = {}) const {
    check_same_shape(student, mean.probabilities, "distillation::Kl");
    const auto cross = mean.probabilities.mul(log_probabilities(student, shared)).sum();
    return mean.negative_entropy.sum().sub(cross).mul(scale() / static_cast<double>(student.size(0)));
  }

  /// At which the teachers' mean stands for them.
  [[nodiscard]] double mean_temperature() const { return options_.temperature; }

  [[nodiscard]] const KlOptions& options() const { return options_; }

 private:
  /// How many samples of all teachers stay in a CPU's cache; an accelerator takes all at once.
  [[nodiscard]] static std::int64_t rows_of_a_block(const at::Tensor& student, std::int64_t num_teachers) {
    constexpr std::int64_t numbers = 1 << 17;
    if (!student.is_cpu()) return student.size(0);
    return std::max<std::int64_t>(1, numbers / std::max<std::int64_t>(1, num_teachers * student.size(1)));
  }

  [[nodiscard]] double scale() const { return options_.temperature * options_.temperature; }

  [[nodiscard]] at::Tensor divergence(const at::Tensor& student, const at::Tensor& teacher,
                                      at::Reduction::Reduction reduction) const {
    check_same_shape(student, teacher, "distillation::Kl");
    return at::kl_div(log_probabilities(student), log_probabilities(teacher), reduction, /*log_target=*/true);
  }

  [[nodiscard]] at::Tensor log_probabilities(const at::Tensor& logits) const {
    return at::log_softmax(options_.temperature == 1.0 ? logits : logits.div(options_.temperature), -1);
  }

  [[nodiscard]] at::Tensor log_probabilities(const at::Tensor& student, const SharedLogSoftmax& shared) const {
    return options_.temperature == 1.0 ? shared.of(student) : log_probabilities(student);
  }

  KlOptions options_;
};

static_assert(DistillationPolicy<Kl>);

}  // namespace g2d::distillation
