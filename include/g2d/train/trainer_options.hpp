// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <g2d/learning_rate/schedule.hpp>
#include <g2d/optimizer/settings.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/step_options.hpp>
#include <g2d/train/work.hpp>

namespace g2d {

/// Which weights a run ends with.
enum class Selection {
  /// Those of the best validation epoch, of those after every modality has begun to learn and as many as ever do have
  /// learnt together: with stages that end in all modalities, of the last stage. Ties: the earlier one.
  BestValidation,
  Last,  ///< Those of the last epoch.
};

/// How a further run of the same trainer starts. The student keeps its weights either way, and epochs, stages and the
/// learning rate are planned from epoch 0.
enum class Start {
  Anew,       ///< As a new trainer would: the method begins again, the optimizer has no momenta, the work is 0.
  Continued,  ///< The method's state and the optimizer's are those that the last run left.
};

/// What is known when an epoch is done.
struct EpochReport {
  std::int64_t epoch = 0;  ///< 0-based.
  std::int64_t num_epochs = 0;
  std::string stage;  ///< The modalities that learn: "audio", or "all".
  double learning_rate = 0.0;
  double seconds = 0.0;              ///< Training alone.
  double preparation_seconds = 0.0;  ///< Of what the method looked at, or tried, before the epoch.
  /// Means over the epoch's samples: "total", "task", "feature.audio", ...
  std::vector<std::pair<std::string, double>> losses;
  std::int64_t num_samples = 0;  ///< That the epoch showed, repeated ones counted again.
  Work work;                     ///< Of the run up to here.
  std::int64_t num_steps = 0;    ///< Those skipped included.
  std::int64_t num_skipped = 0;  ///< Steps that did not count, for something was not finite.
  Evaluation validation;
  bool is_best = false;  ///< Best so far, of those that may still be selected.
};

/// What is known after a step; counts only, so that nothing waits for the device.
struct StepReport {
  std::int64_t epoch = 0;
  std::int64_t num_epochs = 0;
  std::int64_t step = 0;  ///< Within the epoch, 1-based.
  std::int64_t num_steps = 0;
};

struct TrainerOptions {
  optimizer::Settings optimizer = optimizer::Sgd{};
  std::int64_t num_epochs = 1;
  std::int64_t batch_size = 16;
  std::uint64_t seed = 0;  ///< Of the order of the samples.
  learning_rate::Schedule learning_rate = learning_rate::constant();
  double clip_norm = 0.0;  ///< 0: no clipping.
  FiniteCheck finite_check = FiniteCheck::Loss;
  Selection selection = Selection::BestValidation;
  bool calibrate_norm_statistics = true;  ///< Before encoders are frozen that have never been trained.
  std::int64_t calibration_batches = 50;  ///< Training batches that are enough for it.
  std::int64_t evaluation_batch_size = 256;
  /// Encoders that stand still, suppressed or frozen by the caller, are run once over data that never change, and not
  /// again until they learn.
  bool reuses_features = true;
  /// Of such features, for each dataset; more is mapped from an unnamed file.
  std::int64_t feature_memory_bytes = std::int64_t{1} << 30;
  std::vector<std::function<void(const EpochReport&)>> on_epoch = {};
  std::vector<std::function<void(const StepReport&)>> on_step = {};
  std::stop_token stop = {};  ///< A stop is looked at before every step.
};

}  // namespace g2d
