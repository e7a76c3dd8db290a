// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_unique2.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <tuple>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/energy_weighted.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/present_loss.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct QmfOptions {
  double joint_weight = 1.0;  ///< Of the fused loss, >= 0; 0 for the transformers in MLA's copy.
  double rank_weight = 1.0;   ///< lambda >= 0; 0.1 for CREMA-D in MLA's copy.
};

/// Sums that belong to samples, found by their ids: one row of M for each sample that was ever seen.
class SampleHistory {
 public:
  SampleHistory() = default;
  explicit SampleHistory(std::int64_t width) : width_(width) {}

  /// Places of the samples' rows, on the host; new samples get rows of zeros. Errors: ShapeError without ids.
  [[nodiscard]] at::Tensor rows_of(const at::Tensor& ids, const at::TensorOptions& options) {
    if (!ids.defined()) {
      throw ShapeError(
          "g2d: method::Qmf: expected batches with sample_ids, got none; it keeps a history of each sample");
    }
    if (!ids_.defined()) {
      ids_ = at::empty({0}, at::kLong);
      sums_ = at::zeros({0, width_}, options);
      counts_ = at::zeros({0, width_}, options.dtype(at::kLong));
    }
    if (!knows(ids)) grow(ids);
    return at::searchsorted(ids_, ids);
  }

  /// [N, M].
  [[nodiscard]] at::Tensor& sums() { return sums_; }
  [[nodiscard]] const at::Tensor& sums() const { return sums_; }
  /// How many summands each sum has, int64 [N, M].
  [[nodiscard]] at::Tensor& counts() { return counts_; }
  [[nodiscard]] const at::Tensor& counts() const { return counts_; }

 private:
  [[nodiscard]] bool knows(const at::Tensor& ids) const {
    if (ids_.size(0) == 0) return false;
    const auto places = at::searchsorted(ids_, ids).clamp_max(ids_.size(0) - 1);
    return ids_.index_select(0, places).equal(ids);
  }

  void grow(const at::Tensor& ids) {
    auto all = std::get<0>(at::_unique2(at::cat({ids_, ids})));
    const auto places = at::searchsorted(all, ids_).to(sums_.device(), /*non_blocking=*/true);
    for (auto* numbers : {&sums_, &counts_}) {
      *numbers = at::zeros({all.size(0), width_}, numbers->options()).index_copy_(0, places, *numbers);
    }
    ids_ = std::move(all);
  }

  std::int64_t width_ = 0;
  at::Tensor ids_;  ///< Sorted, in host memory.
  at::Tensor sums_, counts_;
};

/// max(0, t (c_i - c_j) - |k_i - k_j|), t = sign(k_i - k_j), for neighbours in a ring: a sample with a worse history
/// must not be more certain by more than it is worse. confidence and history [B]; gives [B].
[[nodiscard]] inline at::Tensor qmf_rank_loss(const at::Tensor& confidence, const at::Tensor& history) {
  const auto gap = history.sub(history.roll(-1));
  return gap.sign().mul(confidence.sub(confidence.roll(-1))).sub(gap.abs()).clamp_min(0.0);
}

/// Quality-aware fusion (QMF): each modality's certainty is its weight, and is taught to follow how hard a sample has
/// been so far.
///
///     L = L_task(z, y) + sum_m L_task(z_m, y) + lambda sum_m mean_i rank(conf_m, kappa_m)_i
///     conf_m = logsumexp(z_m) / 10
///
/// kappa_m is a sample's sum of unimodal cross-entropies so far, this step's included, scaled to [0, 1] over all
/// samples in which the modality was seen. It knows no class weights or smoothing: they tell what a sample counts, not
/// how hard it is. The weighing is `fusion::EnergyWeighted`, which it asks for. Complete: the terms are "task",
/// "unimodal" and "rank".
///
/// Use when   the quality of a modality varies from sample to sample. For classes.
/// Shapes     any M. Samples that lack a modality do not count in its terms.
/// Cost       2 M numbers a sample of memory on the device; ids are searched on the host, O(B log N), and O(N log N)
///            for a batch with new ones. B row numbers go to the device and nothing comes back: no sync.
/// Errors     ConfigError for a negative weight; at `begin` for another fusion. ShapeError for batches without sample
///            ids.
/// Source     Zhang et al. 2023, arXiv:2306.02050, its published code, and the copy in MLA's, arXiv:2311.10707.
/// Deviates   the scale of kappa is that of the samples seen so far, not of the whole dataset.
template <task::TaskPolicy Task>
class Qmf {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Qmf takes the energy of classes; use task::Classification");

  explicit Qmf(QmfOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (!(options_.joint_weight >= 0.0) || !(options_.rank_weight >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Qmf: expected joint_weight and rank_weight >= 0, got {} and {}",
                                    options_.joint_weight, options_.rank_weight));
    }
  }

  void begin(const Setup& setup) {
    detail::check_classes(task_.output_kind, "Qmf", "it takes their energy");
    if (detail::student_of(setup, "Qmf").fusion().template get_if<fusion::EnergyWeighted>() == nullptr) {
      throw ConfigError("g2d: method::Qmf: expected a student with fusion::EnergyWeighted, got another fusion");
    }
    history_ = SampleHistory(static_cast<std::int64_t>(setup.names.size()));
  }

  void loss(const StepContext& context, const Outputs& outputs, Terms& terms) {
    const auto target = outputs.kept(context.batch.target);
    task_.check(outputs.fused.size(1), target);
    const auto ids = context.batch.sample_ids.defined() ? kept_ids(context, outputs) : at::Tensor();
    const auto rows = history_.rows_of(ids, outputs.fused.options().requires_grad(false))
                          .to(outputs.fused.device(), /*non_blocking=*/true);
    if (options_.joint_weight > 0.0) {
      terms.push_back({"task", {}, task_.loss(outputs.fused, target), options_.joint_weight});
    }
    const auto logits = context.student->fusion().authors_logits(outputs.encoded);
    const auto is_step_finite = at::isfinite(outputs.fused.detach()).all();
    for (std::size_t m = 0; m < logits.size(); ++m) {
      const auto column = static_cast<std::int64_t>(m);
      const auto present = outputs.kept(present_column(context.batch, m));
      const auto surprise = at::log_softmax(logits[m].detach(), 1).gather(1, target.unsqueeze(1)).squeeze(1).neg();
      terms.push_back({"unimodal", m, detail::present_loss(task_, logits[m], target, present), 1.0});
      remember(surprise, present, is_step_finite, rows, column);
      if (options_.rank_weight == 0.0) continue;
      const auto history = scaled(column).index_select(0, rows);
      const auto rank = qmf_rank_loss(fusion::EnergyWeighted::confidence(logits[m]), history);
      terms.push_back({"rank", m, detail::mean_over_present(rank, both(present)), options_.rank_weight});
    }
  }

  [[nodiscard]] const SampleHistory& history() const { return history_; }

 private:
  [[nodiscard]] static at::Tensor kept_ids(const StepContext& context, const Outputs& outputs) {
    const auto& ids = context.batch.sample_ids;
    return outputs.keep_rows.defined() ? ids.index_select(0, outputs.keep_rows.cpu()) : ids;
  }

  /// Pairs of which both have the modality.
  [[nodiscard]] static at::Tensor both(const at::Tensor& present) {
    return present.defined() ? present.logical_and(present.roll(-1)) : at::Tensor();
  }

  /// The sums of one modality, from 0 to 1 over the samples in which it was seen.
  [[nodiscard]] at::Tensor scaled(std::int64_t column) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    const auto sums = history_.sums().select(1, column);
    const auto is_seen = history_.counts().select(1, column).gt(0);
    const auto least = at::where(is_seen, sums, sums.new_full({}, infinity)).amin();
    const auto greatest = at::where(is_seen, sums, sums.new_full({}, -infinity)).amax();
    return at::where(is_seen, sums.sub(least).div(greatest.sub(least).clamp_min(1e-12)), sums.new_zeros({}));
  }

  void remember(const at::Tensor& surprise, const at::Tensor& present, const at::Tensor& is_step_finite,
                const at::Tensor& rows, std::int64_t column) {
    const at::NoGradGuard no_grad;
    auto counts = at::isfinite(surprise).logical_and(is_step_finite);
    if (present.defined()) counts = counts.logical_and(present);
    const auto gained = at::where(counts, surprise, surprise.new_zeros({}));
    history_.sums().select(1, column).index_add_(0, rows, gained.to(history_.sums().scalar_type()));
    history_.counts().select(1, column).index_add_(0, rows, counts.to(at::kLong));
  }

  QmfOptions options_;
  Task task_;
  SampleHistory history_;
};

}  // namespace g2d::method
