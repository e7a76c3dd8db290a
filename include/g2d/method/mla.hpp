// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/shared_head.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/present_loss.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class MlaDenominator {
  Scalar,       ///< alpha + r^T P r: recursive least squares.
  Elementwise,  ///< alpha + P r r^T, a matrix: the published code.
};

struct MlaOptions {
  double decay = 0.1;       ///< In (0, 1); alpha = decay^(1 + t), t the part of the epoch that is over.
  bool normalizes = false;  ///< Official: P is divided by its Frobenius norm after each update.
  MlaDenominator denominator = MlaDenominator::Scalar;
};

/// What the authors' code is written to do.
[[nodiscard]] inline MlaOptions official_mla() {
  return {.normalizes = true, .denominator = MlaDenominator::Elementwise};
}

/// The projection after one more mean feature r [D]: P <- P - k k^T / (alpha + r^T k), k = P r.
[[nodiscard]] inline at::Tensor mla_projection(const at::Tensor& projection, const at::Tensor& mean_features,
                                               double alpha, const MlaOptions& options = {}) {
  const auto k = projection.mv(mean_features);
  const auto denominator = options.denominator == MlaDenominator::Scalar ? mean_features.mul(k).sum().add(alpha)
                                                                         : at::outer(k, mean_features).add(alpha);
  auto updated = projection.sub(at::outer(k, k).div(denominator));
  return options.normalizes ? updated.div(at::linalg_vector_norm(updated).clamp_min(1e-12)) : updated;
}

/// Alternating unimodal adaptation (MLA): the modalities take turns within each batch, on one head that forgets none of
/// them.
///
///     for m = 1 ... M: an update by L_task(H(h_m), y) of encoder m and of the head H, whose gradient is first
///     projected:
///     grad W <- grad W P^T,  P <- P - k k^T / (alpha + r^T k),  k = P r,  r = mean_i h_m[i]
///
/// P starts as the identity and is updated before each projection but the very first, which is skipped. alpha, how much
/// of a direction stays free, falls from 0.1 to 0.01 within each epoch, but for the first one, whose length nobody
/// knows. An update that is not finite is left out. The outputs are weighed by certainty at inference: that is
/// `fusion::SharedHead`, which it asks for. Complete: the term is "unimodal".
///
/// Use when   modalities must not disturb each other, and some may be missing at inference. P shrinks as directions are
///            used up, so that a large weight decay empties the head: the authors' 1e-4 is small enough, or take
///            `normalizes`.
/// Shapes     equal feature widths D; any M. Samples that lack a modality do not count in its turn.
/// Cost       M updates a batch, each of one encoder's passes; O(D^2 + C D^2) for the projection. No sync.
/// Errors     ConfigError for a decay out of range; at `begin` for another fusion, or modalities that share an encoder.
/// Source     Zhang et al. 2024, arXiv:2311.10707, and its published code.
/// Deviates   a scalar denominator and no normalisation; `official_mla()` for the code's, whose matrix of denominators
///            may come near zero where features are negative. In the code as released the projection never runs, for it
///            looks for a parameter of another name.
template <task::TaskPolicy Task>
class Mla {
 public:
  explicit Mla(MlaOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (!(options_.decay > 0.0 && options_.decay < 1.0)) {
      throw ConfigError(fmt::format("g2d: method::Mla: expected decay in (0, 1), got {}", options_.decay));
    }
  }

  void begin(const Setup& setup) {
    const auto* head = detail::student_of(setup, "Mla").fusion().template get_if<fusion::SharedHead>();
    if (head == nullptr) {
      throw ConfigError(
          "g2d: method::Mla: expected a student with fusion::SharedHead, got another fusion; MLA trains one head for "
          "all modalities");
    }
    detail::check_own_encoders(setup, "method::Mla");
    for (const auto& parameter : head->parameters()) {
      if (parameter.value.dim() == 2) weight_ = parameter.value;
    }
    projection_ = at::Tensor();
    num_modalities_ = static_cast<std::int64_t>(setup.names.size());
    has_updated_ = false;
    num_steps_ = 0;
    epoch_length_ = 0;
  }

  void plan(std::int64_t /*epoch*/, Plan& plan) {
    plan.num_substeps = num_modalities_;
    if (num_steps_ > 0) epoch_length_ = num_steps_;
    num_steps_ = 0;
  }

  void control_batch(const StepContext& context, Controls& controls) {
    for (std::size_t m = 0; m < controls.size(); ++m) {
      if (static_cast<std::int64_t>(m) == context.substep) continue;
      Control waiting;
      waiting.frozen = true;
      waiting.skipped = true;
      waiting.norm_statistics = suppression::NormStatistics::Frozen;
      controls[m].combine(waiting);
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto m = static_cast<std::size_t>(context.substep);
    const auto logits = context.student->fusion().authors_logits(outputs.encoded)[m];
    const auto target = outputs.kept(context.batch.target);
    task_.check(logits.size(1), target);
    const auto present = outputs.kept(present_column(context.batch, m));
    terms.push_back({"unimodal", m, detail::present_loss(task_, logits, target, present), 1.0});
  }

  void gradients(const StepContext& context, const Outputs& outputs, GradientView& /*view*/) {
    const auto alpha = std::pow(options_.decay, 1.0 + progress());
    if (context.substep == num_modalities_ - 1) ++num_steps_;
    auto& gradient = weight_.mutable_grad();
    if (!gradient.defined()) return;
    if (!projection_.defined()) projection_ = at::eye(gradient.size(1), gradient.options());
    if (std::exchange(has_updated_, true)) {
      const auto mean = mean_features(context, outputs).to(gradient.scalar_type());
      const auto updated = mla_projection(projection_, mean, alpha, options_);
      projection_ = at::where(at::isfinite(updated).all(), updated, projection_);
      gradient = gradient.mm(projection_.t());
    }
  }

  /// P [D, D]; undefined before the first step.
  [[nodiscard]] const at::Tensor& projection() const { return projection_; }

 private:
  /// Of the epoch, in [0, 1]: by the length of the one before.
  [[nodiscard]] double progress() const {
    if (epoch_length_ == 0) return 0.0;
    return std::min(1.0, static_cast<double>(num_steps_) / static_cast<double>(epoch_length_));
  }

  /// r [D], of the samples that have the modality whose turn it is.
  [[nodiscard]] static at::Tensor mean_features(const StepContext& context, const Outputs& outputs) {
    const auto m = static_cast<std::size_t>(context.substep);
    return detail::mean_over_present(outputs.encoded[m].detach(), outputs.kept(present_column(context.batch, m)));
  }

  MlaOptions options_;
  Task task_;
  at::Tensor weight_;
  at::Tensor projection_;
  std::int64_t num_modalities_ = 0;
  std::int64_t num_steps_ = 0;     ///< Of this epoch, those that are done.
  std::int64_t epoch_length_ = 0;  ///< Steps of the epoch before; 0: there was none.
  bool has_updated_ = false;
};

}  // namespace g2d::method
