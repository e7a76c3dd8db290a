// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstddef>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/uniform_multi_task.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct MmParetoOptions {
  double gain = 1.5;  ///< gamma > 0.
};

/// The weights of two gradients in the direction that serves both.
struct MinNormWeights {
  at::Tensor joint;  ///< k_f, 0-dim, on the gradients' device.
  at::Tensor own;    ///< k_u = 1 - k_f.
};

/// Halves where the gradients agree (<g_f, g_u> > 0), else the shortest vector between them:
///
///     k_f = (E - D) / (A + E - 2 D),  A = |g_f|^2, D = <g_f, g_u>, E = |g_u|^2
///
/// Where one of them is no longer than what they share, it has weight 0.999, as in the authors' solver: of two
/// gradients that do not agree that is one of length 0.
[[nodiscard]] inline MinNormWeights min_norm_weights(const at::Tensor& joint_square, const at::Tensor& product,
                                                     const at::Tensor& own_square) {
  const auto number = [&](double value) { return joint_square.new_full({}, value); };
  auto joint = own_square.sub(product).div(joint_square.add(own_square).sub(product, 2.0));
  joint = at::where(own_square.le(product), number(0.001), joint);
  joint = at::where(joint_square.le(product), number(0.999), joint);
  joint = at::where(product.gt(0.0), number(0.5), joint);
  return {joint, joint.neg().add(1.0)};
}

/// The new gradient of one tensor, at least gamma times as long as the sum s = g_f + g_u:
///
///     gamma n max(1, |s| / |n|),  n = 2 k_f g_f + 2 k_u g_u
///
/// Where g_f and g_u cancel, n is rounding alone and is not made longer.
[[nodiscard]] inline at::Tensor pareto_gradient(const at::Tensor& joint, const at::Tensor& own,
                                                const MinNormWeights& weights, double gain) {
  constexpr double rounding = 1e-6;
  const auto a = joint.mul(weights.joint.mul(2.0));
  const auto b = own.mul(weights.own.mul(2.0));
  const auto direction = a.add(b);
  const auto norm = at::linalg_vector_norm(direction);
  const auto scale = at::linalg_vector_norm(joint.add(own)).div(norm).clamp_min(1.0);
  const auto cancels = norm.le(at::linalg_vector_norm(a).add(at::linalg_vector_norm(b)).mul(rounding));
  return direction.mul(at::where(cancels, scale.new_ones({}), scale).mul(gain));
}

/// MMPareto: uniform multi-task training in which each encoder follows a direction that serves the fused loss and its
/// own.
///
///     L = L_task(z, y) + sum_m L_task(z_m, y);  the encoders' gradients as in `min_norm_weights` and `pareto_gradient`
///
/// The weights are one pair for each encoder, the length is set tensor by tensor; everything else keeps the plain sum.
/// The loss of a modality is over the samples that have it.
///
/// Use when   the modalities' own losses are to help the fused one, not to fight it. It brings the task's loss. The
///            student's readout should be `readout::OwnHeads`, which the modalities' terms train.
/// Cost       one more backward pass, and a few passes over the encoders' gradients; no sync.
/// Errors     ConfigError for a gain that is not positive; at `begin` for one modality, or where modalities share an
///            encoder.
/// Source     Wei & Hu 2024, arXiv:2405.17730, and its published code.
/// Deviates   opposite gradients that cancel stay cancelled; the code divides by 0.
/// Reference  tests/method/make_golden_gradients.py
template <task::TaskPolicy Task>
class MmPareto {
 public:
  static constexpr Needs needs{.unimodal = true, .separate_gradients = true};

  explicit MmPareto(MmParetoOptions options = {}, Task task = Task())
      : options_(options), multi_task_(std::move(task)) {
    if (!(options_.gain > 0.0))
      throw ConfigError(fmt::format("g2d: method::MmPareto: expected gain > 0, got {}", options_.gain));
  }

  void begin(const Setup& setup) {
    detail::check_several_modalities(setup, "method::MmPareto");
    detail::check_own_encoders(setup, "method::MmPareto");
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    multi_task_.loss(context, outputs, terms);
  }

  void gradients(const StepContext& /*context*/, const Outputs& outputs, GradientView& view) {
    for (std::size_t m = 0; m < outputs.unimodal.size(); ++m) {
      at::Tensor joint_square, product, own_square;
      view.for_each_separate(m, {},
                             [&](const at::Tensor& /*gradient*/, const at::Tensor& joint, const at::Tensor& own) {
                               accumulate(joint_square, joint, joint);
                               accumulate(product, joint, own);
                               accumulate(own_square, own, own);
                             });
      if (!product.defined()) continue;
      const auto weights = min_norm_weights(joint_square, product, own_square);
      view.for_each_separate(m, {}, [&](at::Tensor& gradient, const at::Tensor& joint, const at::Tensor& own) {
        gradient.copy_(pareto_gradient(joint, own, weights, options_.gain));
      });
    }
  }

 private:
  static void accumulate(at::Tensor& sum, const at::Tensor& a, const at::Tensor& b) {
    const auto product = a.mul(b).sum();
    sum = sum.defined() ? sum.add(product) : product;
  }

  MmParetoOptions options_;
  UniformMultiTask<Task> multi_task_;
};

}  // namespace g2d::method
