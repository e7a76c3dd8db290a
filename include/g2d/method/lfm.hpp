// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/logaddexp.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/input.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class LfmSchedule {
  Fitted,       ///< The published CREMA-D run's polynomial, stretched over the run.
  Exponential,  ///< The share of alignment decays as exp(-0.3 e), e of 100 epochs stretched over the run.
  Learned,      ///< A step along the hypergradient of the validation loss before each epoch.
};

struct LfmOptions {
  LfmSchedule schedule = LfmSchedule::Fitted;
  double rate = 0.1;          ///< Learned: by how much the share moves at most before an epoch.
  std::int64_t samples = 64;  ///< Learned: training and validation samples that are looked at.
};

/// alpha_c at epoch e of the authors' 200: 0.205 at 0, 0.437 at 50, 0.539 at 100, 0.916 at 199.
[[nodiscard]] inline double lfm_fitted_share(double epoch) {
  static constexpr std::array<double, 6> coefficients{.204623704,     3.35472727e-3, 1.22989557e-4,
                                                      -2.92947416e-6, 2.23835486e-8, -5.39717505e-11};
  double value = 0.0;
  for (auto c = coefficients.rbegin(); c != coefficients.rend(); ++c) value = value * epoch + *c;
  return value;
}

/// How far the modalities' predictions are apart: the mean over pairs of (KL(m || p_i) + KL(m || p_j)) / 2, m = (p_i +
/// p_j) / 2, in nats, a mean over the samples that have both modalities. 0 for one modality.
[[nodiscard]] inline at::Tensor lfm_alignment(ModalitySpan<at::Tensor> logits, const at::Tensor& present = {}) {
  std::vector<at::Tensor> log_probabilities;
  for (const auto& z : logits) log_probabilities.push_back(at::log_softmax(z, 1));
  at::Tensor sum = logits[0].new_zeros({});
  double pairs = 0.0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    for (std::size_t j = i + 1; j < logits.size(); ++j, pairs += 1.0) {
      const auto& a = log_probabilities[i];
      const auto& b = log_probabilities[j];
      const auto mixture = at::logaddexp(a, b).sub(std::log(2.0));
      const auto distance = mixture.exp().mul(mixture.sub(a.add(b).mul(0.5))).sum(1);
      at::Tensor both;
      if (present.defined()) {
        both = present.select(1, static_cast<std::int64_t>(i))
                   .logical_and(present.select(1, static_cast<std::int64_t>(j)));
      }
      sum = sum.add(detail::mean_over_present(distance, both));
    }
  }
  return pairs > 0.0 ? sum.div(pairs) : sum;
}

/// Learning to balance fitting and alignment (LFM; G2D's tables call it DLMG, for it learns the modality gap
/// dynamically).
///
///     L = 2 (alpha_c L_task(mean_m z_m, y) + (1 - alpha_c) A),  A as in `lfm_alignment`
///
/// alpha_c grows over the run, from alignment to fitting, by `LfmSchedule`. Learned: with g = grad L_task on validation
/// samples and d = grad A - grad L_task on training samples, 1 - alpha_c moves by rate cos(g, d) and stays in [0.05,
/// 0.95]. The fusion is `fusion::Late`, whose heads are the z_m. Complete: the terms are "task" and "alignment".
///
/// Use when   modalities should agree before they specialise. For classes.
/// Shapes     any M >= 2.
/// Cost       O(B C M^2) a step; Learned: three gradients of `samples` samples before each epoch. No sync in a step.
/// Errors     ConfigError for options out of range; at `begin` for another fusion or one modality.
/// Source     Yang et al. 2024, NeurIPS (Facilitating multimodal classification via dynamically learning modality gap),
///            published code.
/// Deviates   the polynomial is stretched over the run; the learned share uses a first-order hypergradient, scaled to a
///            cosine (ours), where the code differentiates twice and reads one parameter tensor.
template <task::TaskPolicy Task>
class Lfm {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Lfm compares the probabilities of classes; use task::Classification");

  explicit Lfm(LfmOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (!(options_.rate > 0.0) || options_.samples < 2) {
      throw ConfigError(fmt::format("g2d: method::Lfm: expected rate > 0 and samples >= 2, got {} and {}",
                                    options_.rate, options_.samples));
    }
  }

  void begin(const Setup& setup) {
    detail::check_classes(task_.output_kind, "Lfm");
    detail::check_several_modalities(setup, "method::Lfm");
    if (detail::student_of(setup, "Lfm").fusion().template get_if<fusion::Late>() == nullptr) {
      throw ConfigError("g2d: method::Lfm: expected a student with fusion::Late, got another fusion");
    }
    num_epochs_ = setup.num_epochs;
    share_ = least;
  }

  void prepare(Run& run) {
    if (!prepares() || run.epoch() == 0) return;
    share_ = std::clamp(share_ - options_.rate * direction(run), least, greatest);
  }

  [[nodiscard]] bool prepares() const { return options_.schedule == LfmSchedule::Learned; }

  void plan(std::int64_t epoch, Plan& /*plan*/) {
    constexpr double authors_epochs = 200.0;
    constexpr double port_epochs = 100.0;
    const double passed = static_cast<double>(epoch) / static_cast<double>(num_epochs_);
    if (options_.schedule == LfmSchedule::Fitted) {
      share_ = std::clamp(lfm_fitted_share(passed * authors_epochs), 0.0, 1.0);
    } else if (options_.schedule == LfmSchedule::Exponential) {
      share_ = 1.0 - std::clamp(std::exp(-0.3 * passed * port_epochs), least, greatest);
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    terms.push_back({"task", {}, task_.loss(outputs.fused, target), 2.0 * share_});
    const auto logits = context.student->fusion().authors_logits(outputs.encoded);
    terms.push_back(
        {"alignment", {}, lfm_alignment(logits, outputs.kept(context.batch.present)), 2.0 * (1.0 - share_)});
  }

  /// alpha_c of the epoch.
  [[nodiscard]] double share() const { return share_; }

 private:
  static constexpr double least = 0.05;
  static constexpr double greatest = 0.95;

  struct Losses {
    at::Tensor task;
    at::Tensor alignment;
  };

  [[nodiscard]] Losses losses(const StudentView& student, const Batch& batch) const {
    PerModality<at::Tensor> features;
    for (std::size_t m = 0; m < batch.inputs.size(); ++m) {
      const auto present = present_column(batch, m);
      const auto encoded = student.encode_evaluating(m, without_absent(batch.inputs[m], present));
      features.push_back(present.defined() ? encoded.mul(present.unsqueeze(1)) : encoded);
    }
    return {task_.loss(student.fuse(features).logits, batch.target),
            lfm_alignment(student.fusion().authors_logits(features), batch.present)};
  }

  /// cos(grad L_task on validation, grad A - grad L_task on training): where the share of alignment should go; 0 where
  /// it is no number.
  [[nodiscard]] double direction(Run& run) const {
    const at::AutoGradMode with_graph(true);
    std::vector<at::Tensor> parameters;
    for (const auto& group : run.student().parameter_groups()) {
      for (const auto& parameter : group.parameters) {
        if (parameter.requires_grad()) parameters.push_back(parameter);
      }
    }
    const auto seen = losses(run.student(), run.batch(Split::Train, options_.samples));
    const auto unseen = losses(run.student(), run.batch(Split::Validation, options_.samples));
    const auto fits = torch::autograd::grad({unseen.task}, parameters, {}, {}, false, /*allow_unused=*/true);
    const auto moves =
        torch::autograd::grad({seen.alignment.sub(seen.task)}, parameters, {}, {}, false, /*allow_unused=*/true);
    const at::NoGradGuard no_grad;
    double dot = 0.0, first = 0.0, second = 0.0;
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (!fits[i].defined() || !moves[i].defined()) continue;
      dot += fits[i].mul(moves[i]).sum().template item<double>();
      first += fits[i].square().sum().template item<double>();
      second += moves[i].square().sum().template item<double>();
    }
    const double cosine = dot / std::sqrt(first * second);
    return std::isfinite(cosine) ? cosine : 0.0;
  }

  LfmOptions options_;
  Task task_;
  std::int64_t num_epochs_ = 1;
  double share_ = least;
};

}  // namespace g2d::method
