// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/share_of.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/present_loss.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct AmcoOptions {
  double ramp = 0.3;    ///< epsilon in (0, 1]: after this share of the run a dependent modality is masked entirely.
  double margin = 0.0;  ///< >= 0: a modality is dependent with a share above 1/M + margin; 0 is sigma = 0.5 for M = 2.
};

/// How many classes are masked, floor(C p) with p = sin(pi/2 min(1, progress / epsilon)), when that share of the run is
/// over.
[[nodiscard]] inline std::int64_t amco_masked_classes(double progress, std::int64_t num_classes,
                                                      const AmcoOptions& options) {
  const double share = std::sin(0.5 * std::numbers::pi * std::min(1.0, progress / options.ramp));
  return static_cast<std::int64_t>(std::floor(share_of(share, num_classes)));
}

/// The modalities' shares of what the student is sure of, [M]: the mean over samples of their part of softmax([z_1;
/// ...; z_M]). `present` is bool [B, M], or undefined when every sample has every modality.
[[nodiscard]] inline at::Tensor amco_shares(ModalitySpan<at::Tensor> parts, const at::Tensor& present) {
  const auto modalities = static_cast<std::int64_t>(parts.size());
  const auto joined = at::cat(at::TensorList(parts.data(), parts.size()), 1).detach();
  const auto mass = at::softmax(joined, 1).view({joined.size(0), modalities, -1}).sum(2);
  std::vector<at::Tensor> shares;
  for (std::int64_t m = 0; m < modalities; ++m) {
    shares.push_back(
        detail::mean_over_present(mass.select(1, m), present.defined() ? present.select(1, m) : at::Tensor()));
  }
  return at::stack(shares);
}

/// Adaptive mask co-optimisation (AMCo): logits of the modality that the student depends on are masked, more and more.
///
///     m is dependent in a step when its share of softmax([z_1; ...; z_M]) in the step before was above 1/M + margin
///     z_m <- z_m * mask for dependent m; mask has floor(C p) zeros at random classes, p = sin(pi/2 min(1, (e/E) /
///     epsilon))
///     z = sum_m z_m;  L = L_task(z, y) + sum_m L_task(z_m, y)
///
/// e of E is the epoch. One mask serves all samples and dependent modalities of a step. Complete: it brings the task's
/// loss, as "task" and "unimodal". It owns the forward hook: Outputs::fused and unimodal are the masked ones. Inference
/// masks nothing. Samples that lack a modality count neither for its share nor for its own loss.
///
/// Use when   predictions hang on one modality. For classes.
/// Shapes     z_m are the fusion's exact parts. Any M; one modality is never dependent.
/// Cost       the fusion's heads once more, and a softmax over M C values a sample. No sync: the flags stay on the
///            device.
/// Errors     ConfigError before training for a fusion without an exact split, and for options out of range; another
///            task than classification does not compile.
/// Source     Zhou et al. 2023 (ICASSP), of which we know the abstract, and BalanceBenchmark's code.
/// Deviates   no further linear layer C -> C on z: after linear heads it adds nothing. p grows over the run; in
///            BalanceBenchmark it grows from 0 anew in every epoch, by batches, and there a flag, once raised, stays
///            until the epoch ends. 1/M + margin is ours, for a fixed 0.5 can single out nobody among many.
template <task::TaskPolicy Task>
class Amco {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Amco masks classes, which this task does not have; use task::Classification");

  explicit Amco(AmcoOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    detail::check_classes(task_.output_kind, "Amco", "it masks some of them");
    if (!(options_.ramp > 0.0 && options_.ramp <= 1.0)) {
      throw ConfigError(fmt::format("g2d: method::Amco: expected ramp in (0, 1], got {}", options_.ramp));
    }
    if (!(options_.margin >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Amco: expected margin >= 0, got {}", options_.margin));
    }
  }

  void begin(const Setup& setup) {
    if (!detail::student_of(setup, "Amco").splits()) {
      throw ConfigError(
          "g2d: method::Amco: expected a fusion whose output is a sum of one part for each modality, for it masks the "
          "part of "
          "one; use Late, Sum or Concat");
    }
    num_epochs_ = setup.num_epochs;
    is_dependent_ = at::Tensor();
  }

  void forward(const StepContext& context, Outputs& outputs) {
    auto parts = context.student->split_logits(outputs.encoded);
    const auto shares = amco_shares(parts, context.batch.present);
    const double progress = static_cast<double>(context.epoch) / static_cast<double>(num_epochs_);
    const auto num_masked = amco_masked_classes(progress, parts[0].size(1), options_);
    if (num_masked > 0 && is_dependent_.defined()) mask(parts, num_masked);
    remember(shares);
    outputs.fused = parts[0];
    for (std::size_t m = 1; m < parts.size(); ++m) outputs.fused = outputs.fused.add(parts[m]);
    outputs.unimodal = std::move(parts);
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto& target = context.batch.target;
    task_.check(outputs.fused.size(1), target);
    terms.push_back({"task", {}, task_.loss(outputs.fused, target), 1.0});
    for (std::size_t m = 0; m < outputs.unimodal.size(); ++m) {
      terms.push_back({"unimodal", m,
                       detail::present_loss(task_, outputs.unimodal[m], target, present_column(context.batch, m)),
                       1.0});
    }
  }

  /// Who is masked in the next step: bool [M], on the student's device; undefined before the first.
  [[nodiscard]] const at::Tensor& is_dependent() const { return is_dependent_; }

 private:
  /// Shares that are no numbers are those of a step that does not count.
  void remember(const at::Tensor& shares) {
    const auto leads = shares.gt(1.0 / static_cast<double>(shares.size(0)) + options_.margin);
    is_dependent_ = is_dependent_.defined() ? at::where(at::isfinite(shares).all(), leads, is_dependent_) : leads;
  }

  void mask(PerModality<at::Tensor>& parts, std::int64_t num_masked) const {
    const auto kept = at::rand({parts[0].size(1)}, parts[0].options().requires_grad(false)).argsort().ge(num_masked);
    for (std::size_t m = 0; m < parts.size(); ++m) {
      const auto is_free = is_dependent_.select(0, static_cast<std::int64_t>(m)).logical_not();
      parts[m] = parts[m].mul(kept.logical_or(is_free));
    }
  }

  AmcoOptions options_;
  Task task_;
  std::int64_t num_epochs_ = 1;
  at::Tensor is_dependent_;
};

}  // namespace g2d::method
