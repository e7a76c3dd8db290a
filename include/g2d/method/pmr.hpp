// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/index_add.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/share_of.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/class_losses.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

enum class PmrWeights {
  Soft,  ///< clip(1 / rho_m - 1, 0, 1): the further behind, the more.
  Hard,  ///< 1 for whoever is not ahead of all: the published code.
};

struct PmrOptions {
  double weight = 1.0;    ///< alpha >= 0: 0.1 to 3 in the published scripts, mostly 2.
  double momentum = 0.2;  ///< mu in [0, 1): share of the old prototypes. 0 in the published scripts.
  double share = 0.1;     ///< Of the training samples that prototypes are the means of, in (0, 1].
  PmrWeights weights = PmrWeights::Soft;
};

/// As the authors' scripts run it.
[[nodiscard]] inline PmrOptions official_pmr(double weight = 2.0) {
  return {.weight = weight, .momentum = 0.0, .weights = PmrWeights::Hard};
}

/// Classes' mean features, where they are known.
struct Prototypes {
  at::Tensor means;     ///< [C, D]
  at::Tensor is_known;  ///< bool [C]
};

/// The means of a class's features; a class without samples keeps what `old` knows of it, another moves to it by 1 -
/// momentum.
[[nodiscard]] inline Prototypes class_prototypes(const at::Tensor& features, const at::Tensor& labels,
                                                 std::int64_t num_classes, const Prototypes& old = {},
                                                 double momentum = 0.0) {
  const auto counts =
      at::zeros({num_classes}, features.options()).index_add(0, labels, features.new_ones({labels.size(0)}));
  const auto sums = at::zeros({num_classes, features.size(1)}, features.options()).index_add(0, labels, features);
  const auto is_seen = counts.gt(0.0);
  Prototypes fresh{sums.div(counts.clamp_min(1.0).unsqueeze(1)), is_seen};
  if (!old.means.defined()) return fresh;
  const auto moved = at::where(old.is_known.unsqueeze(1), fresh.means.lerp(old.means, momentum), fresh.means);
  return {at::where(is_seen.unsqueeze(1), moved, old.means), is_seen.logical_or(old.is_known)};
}

/// Prototypical rebalance (PMR): the modality that is behind is drawn to the prototypes of its classes.
///
///     D_m[i, c] = -|h_m[i] - P_m[c]|,  q_m = mean_i softmax(D_m)[i, y_i],  rho_m = q_m / max_j q_j
///     L += alpha sum_m w_m mean_i CE(D_m[i], y_i),  w_m by `PmrWeights`, held constant
///
/// P_m are means of features in evaluation mode, taken before every epoch; from the third on the old ones keep their
/// share, for the first are of encoders that have learnt nothing. Stacked on `Supervised`; the term is "prototype".
///
/// Use when   a method without teachers is wanted that works on features, and so with any fusion. For classes.
/// Shapes     features [B, D_m] of the encoders. Samples that lack a modality, or whose class has no prototype yet, do
///            not count: both means are over the others, so that lacking samples is not being behind. The task's class
///            weights count in that of CE; its label smoothing does not, for not every class has a prototype.
/// Cost       a pass over `share` of the training split before each epoch; O(B C sum_m D_m) a step. No sync in a step.
/// Errors     ConfigError for options out of range; at `begin` for one modality.
/// Source     Fan et al. 2023, arXiv:2211.07089, and its published code.
/// Deviates   q is a mean, the code's a sum; of whole samples rho is the same. Soft weights, as the paper is said to
///            have them; `official_pmr()` for the code's. M > 2 is ours (rho against the greatest). The paper's entropy
///            term is in no published script and is left out.
/// Reference  tests/method/make_golden_gradients.py
template <task::TaskPolicy Task>
class Pmr {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Pmr needs classes, of which it takes the mean features; use task::Classification");

  explicit Pmr(PmrOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    const auto check = [](bool holds, const char* expected, double got) {
      if (!holds) throw ConfigError(fmt::format("g2d: method::Pmr: expected {}, got {}", expected, got));
    };
    check(options_.weight >= 0.0, "weight >= 0", options_.weight);
    check(options_.momentum >= 0.0 && options_.momentum < 1.0, "momentum in [0, 1)", options_.momentum);
    check(options_.share > 0.0 && options_.share <= 1.0, "share in (0, 1]", options_.share);
  }

  void begin(const Setup& setup) {
    detail::check_classes(task_.output_kind, "Pmr", "it takes the mean features of each class");
    detail::check_several_modalities(setup, "method::Pmr");
    num_classes_ = setup.num_outputs;
    prototypes_.assign(setup.names.size(), {});
  }

  void prepare(Run& run) {
    const at::NoGradGuard no_grad;
    const auto count = std::ceil(share_of(options_.share, run.size(Split::Train)));
    const auto table = run.features(Split::Train, std::max<std::int64_t>(1, static_cast<std::int64_t>(count)));
    for (std::size_t m = 0; m < prototypes_.size(); ++m) {
      auto counts = at::isfinite(table.features[m]).all(1);
      if (table.present.defined()) counts = counts.logical_and(table.present.select(1, static_cast<std::int64_t>(m)));
      const auto rows = counts.nonzero().squeeze(1);
      prototypes_[m] = class_prototypes(table.features[m].index_select(0, rows), table.target.index_select(0, rows),
                                        num_classes_, prototypes_[m], run.epoch() > 1 ? options_.momentum : 0.0);
    }
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto labels = outputs.kept(context.batch.target);
    PerModality<at::Tensor> losses;
    std::vector<at::Tensor> scores;
    for (std::size_t m = 0; m < prototypes_.size(); ++m) {
      const auto similarity = similarities(outputs.encoded[m], prototypes_[m]);
      const auto log_probability = at::log_softmax(similarity, 1).gather(1, labels.unsqueeze(1)).squeeze(1);
      auto counts = prototypes_[m].is_known.index_select(0, labels);
      const auto present = outputs.kept(present_column(context.batch, m));
      if (present.defined()) counts = counts.logical_and(present);
      const auto class_weights = detail::class_weights(task_, similarity, labels);
      losses.push_back(
          detail::weighted_mean_over_present(log_probability.neg().mul(class_weights), class_weights, counts));
      scores.push_back(detail::mean_over_present(log_probability.detach().exp(), counts));
    }
    const auto weights = pmr_weights(at::stack(scores), options_.weights);
    for (std::size_t m = 0; m < losses.size(); ++m) {
      terms.push_back(
          {"prototype", m, losses[m].mul(weights.select(0, static_cast<std::int64_t>(m))), options_.weight});
    }
  }

  /// w_m of scores q [M].
  [[nodiscard]] static at::Tensor pmr_weights(const at::Tensor& scores, PmrWeights weights) {
    const auto ratio = scores.div(scores.max().clamp_min(1e-12));
    if (weights == PmrWeights::Hard) return ratio.lt(1.0).to(scores.scalar_type());
    return ratio.clamp_min(1e-12).reciprocal().sub(1.0).clamp(0.0, 1.0);
  }

  [[nodiscard]] const Prototypes& prototypes(std::size_t m) const { return prototypes_[m]; }

 private:
  /// -|h - P|, with a gradient where the distance is 0; what is not known is far from everything.
  [[nodiscard]] static at::Tensor similarities(const at::Tensor& features, const Prototypes& prototypes) {
    constexpr double epsilon = 1e-12;
    constexpr double far = -1e4;
    const auto distances = features.unsqueeze(1).sub(prototypes.means.unsqueeze(0)).square().sum(2).add(epsilon).sqrt();
    return at::where(prototypes.is_known.unsqueeze(0), distances.neg(), distances.new_full({}, far));
  }

  PmrOptions options_;
  Task task_;
  std::int64_t num_classes_ = 0;
  std::vector<Prototypes> prototypes_;
};

}  // namespace g2d::method
