// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rsub.h>
#include <ATen/ops/softmax.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/boosted.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/class_losses.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct ReconBoostOptions {
  std::int64_t learner_epochs = 4;  ///< T_1 >= 1: of one modality alone.
  std::int64_t joint_epochs = 4;    ///< T_2 >= 0: of all together, after each.
  double own_weight = 5.0;          ///< w_1: 5 for CREMA-D, 4 for AVE and ModelNet, 1 for MOSEI, MOSI and SIMS.
  double residual_weight = 1.0;     ///< w_2: 1, or 0.25 for the latter three.
  double agreement_weight = 0.5;    ///< alpha; official: 0, for its gradient is zero in the code.
};

/// As the authors' code trains: its agreement term has no gradient.
[[nodiscard]] inline ReconBoostOptions official_recon_boost() { return {.agreement_weight = 0.0}; }

/// Modality-by-modality boosting (ReconBoost): the modalities take turns of several epochs, each learning what the
/// others miss.
///
/// A stage has a learner m, the next modality in declared order, and two phases. In the first, of T_1 epochs, only it
/// learns:
///
///     q = softmax(b sum_(j != m) f_j), held constant; 1 for everything in the first stage
///     L = mean_i (1/C) (w_1 - w_2 q_i[y_i]) L_task(f_m[i], y_i) + alpha mean (p_m - p_before)^2, p_m = softmax(f_m)
///
/// L_task is the task's cross-entropy, with its class weights and label smoothing.
/// p_before is what the learner of the stage before says, held constant; no such term in the first stage. In the second
/// phase, of T_2 epochs, everything learns by L_task(b sum_m f_m, y). Every phase starts a new optimizer. The ensemble
/// is `fusion::Boosted`, which it asks for. Complete: the terms are "learner" and "agreement", or "task".
///
/// Use when   modalities should be trained apart and still complement each other. For classes.
/// Shapes     equal feature widths; any M >= 2. A round takes M (T_1 + T_2) epochs, before which some modality had no
///            turn. Samples that lack the learner's modality do not count in the first phase.
/// Cost       in the first phase that of one modality, and forward passes of the others; no sync.
/// Errors     ConfigError for options out of range; at `begin` for another fusion, one modality, or a shared encoder.
/// Source     Hua et al. 2024, arXiv:2405.09321, and its published code.
/// Deviates   the agreement term's gradient reaches the learner; the code detaches both sides. The others' norm
///            statistics stand still in the first phase. Stages are counted in the run's epochs, so that its budget is
///            that of other methods. All M learners are in the ensemble from the start; without pretraining, the code's
///            grows to M in the first round.
template <task::TaskPolicy Task>
class ReconBoost {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::ReconBoost compares the probabilities of classes; use task::Classification");

  explicit ReconBoost(ReconBoostOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (options_.learner_epochs < 1 || options_.joint_epochs < 0) {
      throw ConfigError(
          fmt::format("g2d: method::ReconBoost: expected learner_epochs >= 1 and joint_epochs >= 0, got {} and {}",
                      options_.learner_epochs, options_.joint_epochs));
    }
    if (!(options_.own_weight > 0.0 && options_.residual_weight >= 0.0 &&
          options_.residual_weight < options_.own_weight)) {
      throw ConfigError(
          fmt::format("g2d: method::ReconBoost: expected own_weight > residual_weight >= 0, got {} and {}",
                      options_.own_weight, options_.residual_weight));
    }
    if (!(options_.agreement_weight >= 0.0)) {
      throw ConfigError(
          fmt::format("g2d: method::ReconBoost: expected agreement_weight >= 0, got {}", options_.agreement_weight));
    }
  }

  void begin(const Setup& setup) {
    detail::check_classes(task_.output_kind, "ReconBoost");
    detail::check_several_modalities(setup, "method::ReconBoost");
    detail::check_own_encoders(setup, "method::ReconBoost");
    if (detail::student_of(setup, "ReconBoost").fusion().template get_if<fusion::Boosted>() == nullptr) {
      throw ConfigError("g2d: method::ReconBoost: expected a student with fusion::Boosted, got another fusion");
    }
    num_modalities_ = setup.names.size();
  }

  void plan(std::int64_t epoch, Plan& plan) {
    const auto in_stage = epoch % (options_.learner_epochs + options_.joint_epochs);
    plan.resets_optimizer = plan.resets_optimizer || in_stage == 0 || in_stage == options_.learner_epochs;
    for (std::size_t m = 0; m < num_modalities_; ++m) {
      if (is_joint(epoch) || m == learner(epoch)) continue;
      Control waiting;
      waiting.frozen = true;
      waiting.norm_statistics = suppression::NormStatistics::Frozen;
      plan.controls[m].combine(waiting);
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    if (is_joint(context.epoch)) {
      terms.push_back({"task", {}, task_.loss(outputs.fused, target), 1.0});
      return;
    }
    const auto m = learner(context.epoch);
    const auto logits = context.student->fusion().authors_logits(outputs.encoded);
    const auto present = outputs.kept(present_column(context.batch, m));
    const auto right = target.unsqueeze(1);
    const auto weights =
        at::rsub(known_by_others(context, outputs, m).gather(1, right).squeeze(1).mul(options_.residual_weight),
                 options_.own_weight);
    const auto losses = detail::class_losses(task_, logits[m], target).mul(weights);
    const auto classes = static_cast<double>(logits[m].size(1));
    const auto mean = detail::weighted_mean_over_present(losses.div(classes),
                                                         detail::class_weights(task_, logits[m], target), present);
    terms.push_back({"learner", m, mean, 1.0});
    if (stage(context.epoch) > 0 && options_.agreement_weight > 0.0) {
      const auto previous = (m + num_modalities_ - 1) % num_modalities_;
      const auto before = at::softmax(logits[previous].detach(), 1);
      const auto distance = at::softmax(logits[m], 1).sub(before).square().mean(1);
      const auto has_both =
          present.defined() ? present.logical_and(outputs.kept(present_column(context.batch, previous))) : present;
      terms.push_back({"agreement", m, detail::mean_over_present(distance, has_both), options_.agreement_weight});
    }
  }

  [[nodiscard]] std::int64_t stage(std::int64_t epoch) const {
    return epoch / (options_.learner_epochs + options_.joint_epochs);
  }
  [[nodiscard]] std::size_t learner(std::int64_t epoch) const {
    return static_cast<std::size_t>(stage(epoch)) % num_modalities_;
  }
  [[nodiscard]] bool is_joint(std::int64_t epoch) const {
    return epoch % (options_.learner_epochs + options_.joint_epochs) >= options_.learner_epochs;
  }

 private:
  /// q [B, C].
  [[nodiscard]] at::Tensor known_by_others(const StepContext& context, const Outputs& outputs, std::size_t m) const {
    if (stage(context.epoch) == 0) return at::ones(outputs.fused.sizes(), outputs.fused.options().requires_grad(false));
    const auto parts = context.student->split_logits(outputs.encoded);
    return at::softmax(outputs.fused.sub(parts[m]).detach(), 1);
  }

  ReconBoostOptions options_;
  Task task_;
  std::size_t num_modalities_ = 0;
};

}  // namespace g2d::method
