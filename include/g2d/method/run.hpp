// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <g2d/core/batch.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/method/student_view.hpp>

namespace g2d::method {

enum class Split { Train, Validation };

/// Mean losses of the task over a split, in evaluation mode.
struct SplitLosses {
  double fused = 0.0;
  PerModality<double> unimodal;  ///< Over the samples that have the modality; NaN where none does.
};

/// How the epoch before this one was judged on the validation split.
struct ValidationResult {
  SplitLosses losses;
  PerModality<double> unimodal_scores;  ///< Of the task's first metric, greater is better; of the same samples.
};

/// Features of many samples, computed in evaluation mode and without a graph.
struct FeatureTable {
  PerModality<at::Tensor> features;  ///< The encoders', M tensors [N, D_m].
  at::Tensor target;
  at::Tensor rows;          ///< Of the split, int64 [N], in host memory.
  at::Tensor present = {};  ///< bool [N, M], as in `Batch`; undefined: every sample has every modality.
};

/// What training a copy of the student gave.
struct TrialResult {
  SplitLosses train_before, validation_before, train_after, validation_after;
};

/// What a method may do between epochs: the hook `prepare` gets one. Every service runs the student in evaluation mode,
/// leaves it as it was, and its passes are counted as the method's cost.
class Run {
 public:
  Run() = default;
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  virtual ~Run() = default;

  [[nodiscard]] virtual std::int64_t epoch() const = 0;  ///< The one that comes, 0-based.
  [[nodiscard]] virtual std::int64_t num_epochs() const = 0;
  [[nodiscard]] virtual const StudentView& student() const = 0;
  /// Null before the first epoch.
  [[nodiscard]] virtual const ValidationResult* validation() const = 0;
  [[nodiscard]] virtual std::int64_t size(Split split) const = 0;
  /// Of `max_samples` of the split, drawn anew for each epoch; all of it, in order, where it has no more.
  [[nodiscard]] virtual FeatureTable features(Split split, std::int64_t max_samples) = 0;
  /// Samples on the student's device, drawn anew for each call.
  [[nodiscard]] virtual Batch batch(Split split, std::int64_t num_samples) = 0;
  /// Trains for some epochs with the method's own loss, as the coming epoch is planned, and a new optimizer, measures,
  /// and puts everything back, LibTorch's random numbers too: two trials of an epoch draw the same dropout.
  [[nodiscard]] virtual TrialResult trial(std::int64_t num_epochs) = 0;
};

}  // namespace g2d::method
