// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/classes_only.hpp>
#include <g2d/method/detail/k_means.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct RelearningOptions {
  double strength = 3.0;          ///< lambda >= 0.
  std::int64_t period = 20;       ///< E_r >= 1, in epochs: 20 of 90 for CREMA-D; BalanceBenchmark 15 of 30.
  std::int64_t times = 3;         ///< R >= 0, at most so often; BalanceBenchmark 2.
  bool resets_optimizer = false;  ///< Forget momenta and moments, which belong to the weights of before.
  std::int64_t restarts = 10;     ///< Of k-means, >= 1.
  std::int64_t max_samples = std::numeric_limits<std::int64_t>::max();  ///< Of each split that are clustered.
  std::uint64_t seed = 0;                                               ///< Of k-means.
};

/// How well clusters tell classes apart: sum over clusters of its most frequent class's count, over N. In (0, 1].
///
/// Each column of the features [N, D] is brought to [-1, 1] first, then min(C, N) clusters are sought by k-means.
[[nodiscard]] inline double cluster_purity(const at::Tensor& features, const at::Tensor& target,
                                           std::int64_t num_classes, const RelearningOptions& options) {
  const auto num_samples = features.size(0);
  const auto least = features.amin(0);
  const auto range = features.amax(0).sub(least);
  const auto scaled = features.sub(least).div(at::where(range.gt(0.0), range, at::ones_like(range))).mul(2.0).sub(1.0);
  const auto num_clusters = std::min(num_classes, num_samples);
  const auto clusters =
      detail::k_means(scaled, {.num_clusters = num_clusters, .restarts = options.restarts, .seed = options.seed});
  const auto cells = clusters.assignment.mul(num_classes).add(target);
  const auto counts = at::bincount(cells, {}, num_clusters * num_classes).view({num_clusters, num_classes});
  return static_cast<double>(counts.amax(1).sum().item<std::int64_t>()) / static_cast<double>(num_samples);
}

/// Diagnosing and re-learning: encoders that memorise go back towards where they began.
///
///     every E_r epochs, at most R times:  gap_m = |purity(h_m of training samples) - purity(h_m of validation
///                                         samples)|
///     w_m = tanh(lambda gap_m);  theta_m <- w_m theta_m(initial) + (1 - w_m) theta_m
///
/// purity is that of as many k-means clusters as there are classes. Encoders only; norm statistics are left as they
/// are. Added: stacked on `Supervised`.
///
/// Use when   an encoder overfits while the others have not learnt yet. For classes; needs a trainer, and a validation
///            split that is not the test set.
/// Shapes     any fusion, any M. Samples count for the modalities that they have.
/// Cost       a copy of the encoders' parameters; R times one pass of training and validation samples through the
///            encoders, and two k-means for each modality.
/// Errors     ConfigError before training for an encoder that several modalities share, and for options out of range;
///            another task than classification does not compile.
/// Source     Wei et al. 2024 (ECCV), arXiv:2407.09705, and its published code.
/// Deviates   the first time is after E_r epochs, in the code after E_r + 1. k-means is our own: k-means++, Lloyd.
template <task::TaskPolicy Task>
class Relearning {
 public:
  static_assert(detail::may_have_classes_v<Task>,
                "g2d: method::Relearning compares clusters with classes, which this task does not have; use "
                "task::Classification");

  explicit Relearning(RelearningOptions options = {}, const Task& task = Task()) : options_(options) {
    detail::check_classes(task.output_kind, "Relearning", "it compares clusters with them");
    if (!(options_.strength >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Relearning: expected strength >= 0, got {}", options_.strength));
    }
    check_count(options_.period, 1, "period");
    check_count(options_.times, 0, "times");
    check_count(options_.restarts, 1, "restarts");
    check_count(options_.max_samples, 1, "max_samples");
  }

  void begin(const Setup& setup) {
    const auto& student = detail::student_of(setup, "Relearning");
    detail::check_own_encoders(setup, "method::Relearning");
    num_classes_ = setup.num_outputs;
    num_done_ = 0;
    relearnt_before_.reset();
    weights_.clear();
    encoders_.assign(setup.names.size(), {});
    for (const auto& group : student.parameter_groups()) {
      if (group.role != ParameterGroup::Role::Encoder) continue;
      auto& encoder = encoders_[group.modalities[0]];
      encoder.current = group.parameters;
      for (const auto& parameter : group.parameters) encoder.initial.push_back(parameter.detach().clone());
    }
  }

  void prepare(Run& run) {
    if (run.epoch() == 0 || run.epoch() % options_.period != 0 || num_done_ == options_.times) return;
    const at::NoGradGuard no_grad;
    const auto train = run.features(Split::Train, options_.max_samples);
    const auto validation = run.features(Split::Validation, options_.max_samples);
    weights_.clear();
    for (std::size_t m = 0; m < encoders_.size(); ++m) {
      const auto seen = purity(train, m);
      const auto unseen = purity(validation, m);
      weights_.push_back(seen && unseen ? std::tanh(options_.strength * std::abs(*seen - *unseen)) : 0.0);
      for (std::size_t p = 0; p < encoders_[m].current.size(); ++p) {
        encoders_[m].current[p].lerp_(encoders_[m].initial[p], weights_[m]);
      }
    }
    ++num_done_;
    relearnt_before_ = run.epoch();
  }

  void plan(std::int64_t epoch, Plan& plan) {
    if (options_.resets_optimizer && relearnt_before_ == epoch) plan.resets_optimizer = true;
  }

  /// w_m of the last time; empty before the first.
  [[nodiscard]] const PerModality<double>& weights() const { return weights_; }
  [[nodiscard]] std::int64_t num_done() const { return num_done_; }

 private:
  struct EncoderWeights {
    std::vector<at::Tensor> current, initial;
  };

  static void check_count(std::int64_t count, std::int64_t least, const char* option) {
    if (count < least) {
      throw ConfigError(fmt::format("g2d: method::Relearning: expected {} >= {}, got {}", option, least, count));
    }
  }

  /// Over the samples that have the modality; nothing when none has.
  [[nodiscard]] std::optional<double> purity(const FeatureTable& table, std::size_t m) const {
    auto features = table.features[m];
    auto target = table.target;
    if (table.present.defined()) {
      const auto rows = at::nonzero(table.present.select(1, static_cast<std::int64_t>(m))).squeeze(1);
      features = features.index_select(0, rows);
      target = target.index_select(0, rows);
    }
    if (target.size(0) == 0) return std::nullopt;
    return cluster_purity(features, target, num_classes_, options_);
  }

  RelearningOptions options_;
  std::int64_t num_classes_ = 0;
  std::int64_t num_done_ = 0;
  std::optional<std::int64_t> relearnt_before_;
  PerModality<EncoderWeights> encoders_;
  PerModality<double> weights_;
};

}  // namespace g2d::method
