// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_norm.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/isfinite.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/cross_excitation.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/mean_over_present.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/detail/student_of.hpp>

namespace g2d::method {

struct GreedyOptions {
  double threshold = 0.01;       ///< epsilon >= 0: 0.01 in the paper's code, 0.001 in BalanceBenchmark.
  std::int64_t window = 5;       ///< W >= 1: for so many steps a modality is curated.
  std::int64_t first_epoch = 1;  ///< 0-based; before it the speeds are measured and nobody is curated.
};

/// Balanced learning speeds, against greedy learning: the modality that leans on the others has to do without them for
/// a while.
///
/// In every step outside curation, g the gradients and theta the parameters of encoder m (main), and of the layers that
/// gate its features by what the others say (bypass: the squeeze and its own excitation):
///
///     A_m <- A_m + |g_main|^2 / |theta_main|^2;  B_m <- B_m + |g_bypass|^2 / |theta_bypass|^2
///     r_m = log10(B_m / A_m);  Delta_m = r_m - mean_(j != m) r_j
///
/// When the greatest Delta_m exceeds epsilon, modality m is curated in the next W steps: its gate is its mean over all
/// steps so far, in each over the samples that have the modality. Added: stacked on `Supervised`. Inference knows
/// nothing of it.
///
/// Use when   the student's fusion is `fusion::CrossExcitation`, and one modality learns through its gates instead of
///            its encoder.
/// Shapes     M >= 2.
/// Cost       the norms of all encoders' parameters and gradients. No sync: who is curated is decided on the device.
/// Errors     ConfigError for another fusion, an encoder that several modalities share or that has no parameters, a
///            negative threshold, a window below 1.
/// Source     Wu et al. 2022, arXiv:2202.05306, and its published code.
/// Deviates   the gates act once, on features, see `CrossExcitation`. Each gate has a mean of its own, where the code
///            updates the second with the first one's gate, and the means do not see the step that they serve in. M > 2
///            is ours: the mean over the others. A step with a frozen encoder, or with gradients that are not finite,
///            is not measured.
class Greedy {
 public:
  explicit Greedy(GreedyOptions options = {}) : options_(options) {
    if (!(options_.threshold >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Greedy: expected threshold >= 0, got {}", options_.threshold));
    }
    if (options_.window < 1)
      throw ConfigError(fmt::format("g2d: method::Greedy: expected window >= 1, got {}", options_.window));
  }

  void begin(const Setup& setup) {
    const auto& student = detail::student_of(setup, "Greedy");
    const auto* excitation = student.fusion().get_if<fusion::CrossExcitation>();
    if (excitation == nullptr) {
      throw ConfigError(
          "g2d: method::Greedy: expected a student whose modalities gate each other, got another fusion; choose the "
          "fusion "
          "cross-excitation");
    }
    detail::check_own_encoders(setup, "method::Greedy");
    detail::check_filter(setup, {}, "method::Greedy");
    gate_ = excitation->gate();
    find_main(student);
    find_bypass(excitation->excitation_parameters(), setup.names.size());
    start(excitation->shape());
  }

  void control_batch(const StepContext& /*context*/, Controls& controls) {
    PerModality<fusion::ExcitationGate::Curation> curations;
    for (std::size_t m = 0; m < controls.size(); ++m) curations.push_back({is_curated(m), mean_gates_[m]});
    gate_->arm(std::move(curations));
    Control control;
    control.guard = std::shared_ptr<void>(&*gate_, [gate = *gate_](void*) mutable { gate.disarm(); });
    controls[0].combine(control);
  }

  void gradients(const StepContext& context, const Outputs& /*outputs*/, GradientView& /*view*/) {
    average_gates(context.batch);
    const auto is_curating = remaining_.gt(0);
    remaining_ = remaining_.sub(1).clamp_min(0);
    if (!has_gradients()) return;
    const auto main = speeds(main_);
    const auto bypass = speeds(bypass_);
    const auto counts = at::isfinite(main.add(bypass)).all().logical_and(is_curating.logical_not());
    main_speeds_ = at::where(counts, main_speeds_.add(main), main_speeds_);
    bypass_speeds_ = at::where(counts, bypass_speeds_.add(bypass), bypass_speeds_);
    if (context.epoch < options_.first_epoch) return;
    const auto ratio = ratios();
    const auto mean_of_others = ratio.sum().sub(ratio).div(static_cast<double>(main_.size() - 1));
    const auto [greatest, leader] = ratio.sub(mean_of_others).max(0);
    const auto starts = counts.logical_and(greatest.gt(options_.threshold));
    remaining_ = at::where(starts, at::full_like(remaining_, options_.window), remaining_);
    curated_ = at::where(starts, leader, curated_);
  }

  /// r_m, [M]; not a number before the first step.
  [[nodiscard]] at::Tensor ratios() const { return bypass_speeds_.div(main_speeds_).log10(); }
  /// Whether modality m is curated in the next step; bool, 0-dim, on the student's device.
  [[nodiscard]] at::Tensor is_curated(std::size_t m) const {
    return remaining_.gt(0).logical_and(curated_.eq(static_cast<std::int64_t>(m)));
  }
  /// The mean gate of each modality, [D_m].
  [[nodiscard]] const PerModality<at::Tensor>& mean_gates() const { return mean_gates_; }

 private:
  void find_main(const StudentView& student) {
    main_.assign(student.names().size(), {});
    for (const auto& group : student.parameter_groups()) {
      if (group.role == ParameterGroup::Role::Encoder) main_[group.modalities[0]] = group.parameters;
    }
  }

  void find_bypass(const Parameters& parameters, std::size_t num_modalities) {
    bypass_.assign(num_modalities, {});
    for (std::size_t m = 0; m < num_modalities; ++m) {
      for (const auto& parameter : parameters) {
        if (parameter.modality.value_or(m) == m) bypass_[m].push_back(parameter.value);
      }
    }
  }

  void start(const FusionShape& shape) {
    const auto options = bypass_[0][0].options().requires_grad(false);
    const auto num_modalities = static_cast<std::int64_t>(shape.num_modalities());
    main_speeds_ = at::zeros({num_modalities}, options);
    bypass_speeds_ = at::zeros({num_modalities}, options);
    num_gates_ = at::zeros({num_modalities}, options);
    remaining_ = at::zeros({}, options.dtype(at::kLong));
    curated_ = at::zeros({}, options.dtype(at::kLong));
    mean_gates_.clear();
    for (const auto width : shape.feature_widths()) mean_gates_.push_back(at::zeros({width}, options));
  }

  /// mean <- mean + (batch's mean - mean) / n, of the samples that have the modality; unless a gate is not finite.
  void average_gates(const Batch& batch) {
    std::vector<at::Tensor> means, are_finite;
    for (std::size_t m = 0; m < mean_gates_.size(); ++m) {
      means.push_back(detail::mean_over_present(gate_->recorded()[m], present_column(batch, m)));
      are_finite.push_back(at::isfinite(means.back()).all());
    }
    auto counts = at::stack(are_finite).all().expand({num_gates_.size(0)});
    if (batch.present.defined()) counts = counts.logical_and(batch.present.any(0));
    num_gates_ = num_gates_.add(counts);
    for (std::size_t m = 0; m < means.size(); ++m) {
      const auto column = static_cast<std::int64_t>(m);
      const auto moved = mean_gates_[m].add(means[m].sub(mean_gates_[m]).div(num_gates_.select(0, column)));
      mean_gates_[m] = at::where(counts.select(0, column), moved, mean_gates_[m]);
    }
  }

  [[nodiscard]] bool has_gradients() const {
    return std::all_of(main_.begin(), main_.end(), [](const auto& parameters) {
      return std::any_of(parameters.begin(), parameters.end(), [](const auto& p) { return p.grad().defined(); });
    });
  }

  [[nodiscard]] static at::Tensor squared_norm(const std::vector<at::Tensor>& tensors) {
    return at::linalg_vector_norm(at::stack(at::_foreach_norm(tensors))).square();
  }

  /// |g|^2 / |theta|^2 of each modality, [M].
  [[nodiscard]] static at::Tensor speeds(const PerModality<std::vector<at::Tensor>>& parameters) {
    std::vector<at::Tensor> speeds;
    for (const auto& own : parameters) {
      std::vector<at::Tensor> gradients;
      for (const auto& parameter : own) {
        if (parameter.grad().defined()) gradients.push_back(parameter.grad());
      }
      speeds.push_back(squared_norm(gradients).div(squared_norm(own)));
    }
    return at::stack(speeds);
  }

  GreedyOptions options_;
  std::optional<fusion::ExcitationGate> gate_;
  PerModality<std::vector<at::Tensor>> main_, bypass_;
  at::Tensor main_speeds_, bypass_speeds_;  ///< A and B, [M].
  at::Tensor num_gates_;                    ///< Batches in each mean gate, [M].
  at::Tensor remaining_, curated_;          ///< Steps of curation that are left, and whose; int64, 0-dim.
  PerModality<at::Tensor> mean_gates_;
};

}  // namespace g2d::method
