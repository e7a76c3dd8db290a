// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include <g2d/confidence/check.hpp>
#include <g2d/confidence/ratios.hpp>
#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/count_absent_as_mean.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/schedule/concept.hpp>

namespace g2d::method {

struct PrioritizationOptions {
  /// The learning-rate schedule runs anew in each stage, so that the modality whose turn comes last still learns at
  /// full rate.
  bool restarts_learning_rate = false;
};

/// Modality prioritization: a schedule says when a modality is suppressed, its suppression policy how.
///
/// It acts through controls only, so that it stacks on every loss: joint training, UMT, G2D.
///
/// Use when   one modality outruns the others.
/// Cost       of the schedule; suppressed encoders save their backward pass with `Complete`.
/// Errors     those of the schedule, at `begin`. ConfigError for a suppression that scales gradients and whose filter
///            admits nothing of a modality; when a schedule that compares batches has no teachers, or
///            norm statistics that it cannot keep; when schedule or suppression read the teachers' confidences and one
///            is missing or NaN; in a step, when it freezes batch by batch and the confidences are not in host memory.
/// Source     arXiv:2506.21514, Sequential Modality Prioritization.
template <schedule::SchedulePolicy Schedule>
class Prioritization {
 public:
  explicit Prioritization(Schedule schedule = Schedule(), PrioritizationOptions options = {})
      : schedule_(std::move(schedule)), options_(options) {}

  void begin(const Setup& setup) {
    schedule::Run run{setup.names, {}, setup.num_epochs};
    if (setup.teachers) run.confidence = setup.teachers->confidence;
    if (confidence::is_needed_by<Schedule>()) check_confidence(run);
    stages_ = schedule_.stages(run);
    for (const auto& stage : stages_) {
      if (stage.num_epochs < 1) continue;
      if (stage.compares_batches) {
        check_comparison(setup);
      } else if (confidence::is_needed_by<Suppression>() && suppresses(stage)) {
        check_confidence(run);
      }
    }
    if (!Suppression::freezes && holds_back()) {
      detail::check_filter(setup, schedule_.suppression().filter(), "method::Prioritization");
    }
    confidence_ = at::tensor(at::ArrayRef<double>(run.confidence.data(), run.confidence.size()), at::kDouble);
  }

  void plan(std::int64_t epoch, Plan& plan) {
    current_.reset();
    for (std::size_t s = 0; s < stages_.size(); ++s) {
      if (stages_[s].contains(epoch)) current_ = s;
    }
    if (stage() == nullptr) return;
    if (options_.restarts_learning_rate) plan.learning_rate_span = {stage()->first_epoch, stage()->num_epochs};
    if (stage()->compares_batches) {
      for (auto& control : plan.controls) control.combine({.may_freeze = freezes_statistics()});
      return;
    }
    if (suppresses(*stage())) apply(as_tensor(stage()->suppressed), ratios(), plan.controls);
  }

  void control_batch(const StepContext& context, Controls& controls) {
    if (stage() == nullptr || !stage()->compares_batches) return;
    const auto& confidence = context.teachers->confidence;
    if (!confidence.defined()) {
      throw ConfigError("g2d: schedule::Batchwise: expected TeacherOutputs::confidence, got none");
    }
    const auto score = mean_of_present(confidence, counted(context));
    const auto greatest = score.eq(score.max());
    const auto surest = greatest.logical_and(greatest.sum().eq(1));
    apply(surest, confidence::ratios(score), controls);
  }

  /// All stages, in order; empty before `begin`.
  [[nodiscard]] const std::vector<schedule::Stage>& stages() const { return stages_; }
  /// The stage of the epoch that was planned last; null outside all stages.
  [[nodiscard]] const schedule::Stage* stage() const { return current_ ? &stages_[*current_] : nullptr; }

 private:
  using Suppression = std::remove_cvref_t<decltype(std::declval<const Schedule&>().suppression())>;

  [[nodiscard]] bool freezes_statistics() const {
    return Suppression::freezes && schedule_.suppression().norm_statistics() == suppression::NormStatistics::Frozen;
  }

  [[nodiscard]] static bool suppresses(const schedule::Stage& stage) {
    return std::find(stage.suppressed.begin(), stage.suppressed.end(), true) != stage.suppressed.end();
  }

  /// Whether any modality is suppressed at any time.
  [[nodiscard]] bool holds_back() const {
    return std::any_of(stages_.begin(), stages_.end(), [](const schedule::Stage& stage) {
      return stage.num_epochs > 0 && (stage.compares_batches || suppresses(stage));
    });
  }

  static void check_confidence(const schedule::Run& run) {
    confidence::check(run.names, run.confidence, "method::Prioritization",
                      "give teachers, or a schedule and a suppression that do without (Order::Declared, Complete)");
  }

  void check_comparison(const Setup& setup) const {
    if (!setup.teachers) {
      throw ConfigError("g2d: method::Prioritization: a schedule that compares batches needs teachers, got none");
    }
    if (!Suppression::freezes && schedule_.suppression().norm_statistics() != suppression::NormStatistics::Tracked) {
      throw ConfigError(
          "g2d: method::Prioritization: expected norm statistics Tracked of a suppression that scales gradients batch "
          "by batch, got Frozen "
          "or Batch; use Complete, or leave them Tracked");
    }
  }

  /// Which samples have a modality, where the confidences are, so that nothing waits; undefined: all.
  [[nodiscard]] static at::Tensor counted(const StepContext& context) {
    for (const auto& present : {context.batch.present, context.teachers->present}) {
      if (present.defined() && present.device() == context.teachers->confidence.device()) return present;
    }
    return {};
  }

  /// [M]: means over the samples that have the modality; one that no sample has counts as the mean of the others.
  [[nodiscard]] static at::Tensor mean_of_present(const at::Tensor& confidence, const at::Tensor& present) {
    if (!present.defined()) return confidence.mean(0);
    const auto known = at::where(present, confidence, confidence.new_zeros({}));
    return detail::count_absent_as_mean(known.sum(0).div(present.sum(0).clamp_min(1)), present.any(0));
  }

  [[nodiscard]] static at::Tensor as_tensor(const PerModality<bool>& flags) {
    auto tensor = at::tensor(std::vector<std::int64_t>(flags.begin(), flags.end()), at::kLong);
    return tensor.to(at::kBool);
  }

  [[nodiscard]] at::Tensor ratios() const {
    const auto modalities = static_cast<std::int64_t>(stage()->suppressed.size());
    return confidence_.numel() == modalities ? confidence::ratios(confidence_) : at::ones({modalities}, at::kDouble);
  }

  /// `suppressed` is in host memory when the suppression freezes: only then is it read here.
  void apply(const at::Tensor& suppressed, const at::Tensor& ratios, Controls& controls) const {
    const auto& suppression = schedule_.suppression();
    if constexpr (Suppression::freezes) {
      if (!suppressed.is_cpu()) {
        throw ConfigError(
            "g2d: schedule::Batchwise: Complete suppression needs the teachers' confidences in host memory before the "
            "forward pass; precompute the teachers, or use ZeroedGradients");
      }
    }
    const auto coefficients = suppression.coefficients(suppressed, ratios);
    for (std::size_t m = 0; m < controls.size(); ++m) {
      const auto index = static_cast<std::int64_t>(m);
      Control control;
      if constexpr (Suppression::freezes) {
        control.frozen = suppressed.select(0, index).template item<bool>();
        if (control.frozen) control.norm_statistics = suppression.norm_statistics();
      } else {
        control.gradient_scale = coefficients.select(0, index);
        control.filter = suppression.filter();
        if (stage()->suppressed[m]) control.norm_statistics = suppression.norm_statistics();
      }
      controls[m].combine(control);
    }
  }

  Schedule schedule_;
  PrioritizationOptions options_;
  std::vector<schedule::Stage> stages_;
  std::optional<std::size_t> current_;
  at::Tensor confidence_;
};

}  // namespace g2d::method
