// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_mul.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shapley_weights.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/count_absent_as_mean.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

/// What stands for a modality that is left out of a forward pass.
enum class AgmMask {
  ZeroFeatures,  ///< Zeros for its features: the encoders are not run again.
  /// What its encoder makes of zeros, in evaluation mode, as it makes the features that are shown. Official.
  ZeroInputs,
};

struct AgmOptions {
  double strength = 1.0;  ///< alpha >= 0: 1 in the authors' command line, 2.5 for AV-MNIST in their README.
  double cap = 10.0;      ///< On tau - ratio: 10 for CREMA-D, 7 for UR-Funny, infinity for AV-MNIST, AVE and CMU-MOSEI.
  AgmMask mask = AgmMask::ZeroFeatures;
  /// When an entry of a weight's gradient outside the encoders leaves [-bound, bound], the norm of all gradients is
  /// clipped to the bound. Official: 1 for CREMA-D and AV-MNIST, 5 for UR-Funny; infinity: never.
  double clip_bound = std::numeric_limits<double>::infinity();
};

/// As in the authors' code: zero inputs, and its clipping.
[[nodiscard]] inline AgmOptions official_agm(double strength = 1.0, double clip_bound = 1.0) {
  return {.strength = strength, .mask = AgmMask::ZeroInputs, .clip_bound = clip_bound};
}

/// The part of the output that is each modality's, by Shapley's formula with v(nobody) = 0: they add up to the whole
/// output.
///
///     r_m = sum_{S without m} |S|! (M - |S| - 1)! / M! (z_{S + m} - [S is not empty] z_S)
///
/// `outputs` holds z_S for all 2^M sets of modalities, at the number whose bits they are; the first one is not read.
[[nodiscard]] inline PerModality<at::Tensor> agm_responses(std::span<const at::Tensor> outputs) {
  const auto modalities = static_cast<std::size_t>(std::bit_width(outputs.size()) - 1);
  const auto weights = shapley_weights(modalities);
  PerModality<at::Tensor> responses;
  for (std::size_t m = 0; m < modalities; ++m) {
    at::Tensor response;
    for (std::size_t others = 0; others < outputs.size(); ++others) {
      if ((others >> m & 1U) != 0) continue;
      const double weight = weights[static_cast<std::size_t>(std::popcount(others))];
      const auto& with = outputs[others | std::size_t{1} << m];
      response = response.defined() ? response.add(with, weight) : with.mul(weight);
      if (others != 0) response = response.sub(outputs[others], weight);
    }
    responses.push_back(std::move(response));
  }
  return responses;
}

/// c_m = exp(alpha min(tau_m - ratio_m, cap)): less than 1 for a modality that does better, against the others, than it
/// used to.
///
///     ratio_m = exp(M / (M - 1) (mean N - N_m)),  tau_m = exp(M / (M - 1) (mean R - R_m))
///
/// scores [M]: N of this batch, smaller is better; history [M]: R, their mean so far.
[[nodiscard]] inline at::Tensor agm_coefficients(const at::Tensor& scores, const at::Tensor& history,
                                                 const AgmOptions& options) {
  const auto modalities = static_cast<double>(scores.size(0));
  const auto ahead = [&](const at::Tensor& s) { return s.mean().sub(s).mul(modalities / (modalities - 1.0)).exp(); };
  return ahead(history).sub(ahead(scores)).clamp_max(options.cap).mul(options.strength).exp();
}

/// Adaptive gradient modulation (AGM): how much each modality learns is set at its response, its share of the fused
/// output.
///
///     z = sum_m r_m, backward with c_m times the gradient of r_m;  N_m = -mean_i log max(confidence(r_m, y)_i, 1e-8)
///
/// r_m and c_m as in `agm_responses` and `agm_coefficients`; the value of z does not change. Stacked on `Supervised`.
///
/// Use when   a method without teachers is wanted for a fusion that is no sum of parts: it asks nothing of the fusion.
/// Shapes     fused [B, C]. Samples that lack a modality do not count in its score; where a whole batch lacks it, it
///            counts as the mean of the others and its history stands still.
/// Cost       2^M - 2 more fusions a step, with gradients; with ZeroInputs also two more passes through each encoder.
///            No sync.
/// Errors     ConfigError for options out of range; at `begin` for one modality.
/// Source     Li et al. 2023, arXiv:2308.07686, and its published code.
/// Deviates   zero features by default, `official_agm` has the code's zero inputs and clipping. Batches that are not
///            finite do not enter the history, and outside a `Window` (officially epochs 0 to 19) it stands still.
/// Reference  tests/method/make_golden_gradients.py
template <task::TaskPolicy Task>
class Agm {
 public:
  explicit Agm(AgmOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (!(options_.strength >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Agm: expected strength >= 0, got {}", options_.strength));
    }
    if (!(options_.cap >= 0.0))
      throw ConfigError(fmt::format("g2d: method::Agm: expected cap >= 0, got {}", options_.cap));
    if (!(options_.clip_bound > 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Agm: expected clip_bound > 0, got {}", options_.clip_bound));
    }
  }

  void begin(const Setup& setup) {
    detail::check_several_modalities(setup, "method::Agm");
    history_ = at::Tensor();
    num_batches_ = at::Tensor();
    coefficients_ = at::Tensor();
  }

  [[nodiscard]] Needs needs() const { return {.inputs = options_.mask == AgmMask::ZeroInputs}; }

  void forward(const StepContext& context, Outputs& outputs) {
    const auto responses = agm_responses(masked_outputs(context, outputs));
    const auto now = scores(context.batch, responses);
    if (!history_.defined()) {
      history_ = at::zeros_like(now);
      num_batches_ = at::zeros_like(now);
    }
    const auto is_there =
        context.batch.present.defined() ? context.batch.present.any(0) : at::ones_like(now, at::kBool);
    coefficients_ = agm_coefficients(detail::count_absent_as_mean(now, is_there),
                                     detail::count_absent_as_mean(history_, num_batches_.gt(0)), options_);
    remember(now, is_there);
    at::Tensor modulated;
    for (std::size_t m = 0; m < responses.size(); ++m) {
      const auto part = responses[m].mul(coefficients_.select(0, static_cast<std::int64_t>(m)));
      modulated = modulated.defined() ? modulated.add(part) : part;
    }
    outputs.fused = outputs.fused.detach().add(modulated.sub(modulated.detach()));
  }

  void gradients(const StepContext& /*context*/, const Outputs& /*outputs*/, GradientView& view) {
    if (std::isfinite(options_.clip_bound)) clip(view);
  }

  /// c_m of the last step, [M]; undefined before the first.
  [[nodiscard]] const at::Tensor& coefficients() const { return coefficients_; }
  /// R_m, the mean score so far, [M]; undefined before the first step.
  [[nodiscard]] const at::Tensor& history() const { return history_; }

 private:
  [[nodiscard]] std::vector<at::Tensor> masked_outputs(const StepContext& context, const Outputs& outputs) const {
    PerModality<at::Tensor> shown, hidden;
    for (std::size_t m = 0; m < outputs.encoded.size(); ++m) {
      const bool encodes = options_.mask == AgmMask::ZeroInputs;
      shown.push_back(encodes ? encode_input(context, outputs, m) : outputs.encoded[m]);
      hidden.push_back(encodes ? encode_zeros(context, outputs, m) : at::zeros_like(outputs.encoded[m]));
    }
    const std::size_t all = (std::size_t{1} << shown.size()) - 1;
    std::vector<at::Tensor> results(all + 1);
    PerModality<at::Tensor> features(shown.size());
    for (std::size_t set = 1; set < all; ++set) {
      for (std::size_t m = 0; m < shown.size(); ++m) features[m] = (set >> m & 1U) != 0 ? shown[m] : hidden[m];
      results[set] = context.student->fuse(features).logits;
    }
    results[all] = outputs.fused;
    return results;
  }

  /// An encoder that does not learn in this step does not do so by the masked passes either.
  [[nodiscard]] static at::Tensor encode_input(const StepContext& context, const Outputs& outputs, std::size_t m) {
    const at::AutoGradMode gradients(outputs.encoded[m].requires_grad());
    const auto present = present_column(context.batch, m);
    const auto features = context.student->encode_evaluating(m, without_absent(context.batch.inputs[m], present));
    return present.defined() ? at::where(present.unsqueeze(1), features, outputs.encoded[m]) : features;
  }
  [[nodiscard]] static at::Tensor encode_zeros(const StepContext& context, const Outputs& outputs, std::size_t m) {
    const at::AutoGradMode gradients(outputs.encoded[m].requires_grad());
    const auto& input = context.batch.inputs[m];
    return context.student->encode_evaluating(m, {at::zeros_like(input.values), input.lengths});
  }

  [[nodiscard]] at::Tensor scores(const Batch& batch, const PerModality<at::Tensor>& responses) const {
    std::vector<at::Tensor> all;
    for (std::size_t m = 0; m < responses.size(); ++m) {
      const auto surprise = task_.confidence(responses[m], batch.target).clamp_min(1e-8).log().neg();
      all.push_back(detail::mean_over_present(surprise, present_column(batch, m)));
    }
    return at::stack(all);
  }

  void remember(const at::Tensor& now, const at::Tensor& is_there) {
    const auto counts = at::isfinite(now).all().logical_and(is_there);
    num_batches_ = num_batches_.add(counts);
    history_ = at::where(counts, history_.add(now.sub(history_).div(num_batches_.clamp_min(1.0))), history_);
  }

  void clip(const GradientView& view) const {
    std::vector<at::Tensor> all, heads;
    for (const auto& group : view.groups()) {
      for (const auto& parameter : group.parameters) {
        if (!parameter.grad().defined()) continue;
        all.push_back(parameter.grad());
        if (group.role != ParameterGroup::Role::Encoder && parameter.dim() > 1) heads.push_back(parameter.grad());
      }
    }
    if (heads.empty()) return;
    const auto greatest = at::stack(at::_foreach_norm(heads, std::numeric_limits<double>::infinity())).max();
    const auto norm = at::linalg_vector_norm(at::stack(at::_foreach_norm(all)));
    const auto factor = norm.add(1e-6).reciprocal().mul(options_.clip_bound).clamp_max(1.0);
    at::_foreach_mul_(all, at::where(greatest.gt(options_.clip_bound), factor, at::ones_like(factor)));
  }

  AgmOptions options_;
  Task task_;
  at::Tensor history_;
  at::Tensor num_batches_;
  at::Tensor coefficients_;
};

}  // namespace g2d::method
