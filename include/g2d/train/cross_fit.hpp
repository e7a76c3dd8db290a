// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randperm.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include <g2d/confidence/check.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/subset.hpp>
#include <g2d/train/train_teacher.hpp>

namespace g2d {

/// Cross-fitted confidence: every training sample is judged by a teacher that was trained without its fold.
///
///     rho_m = mean over the samples i that have modality m of confidence(teacher_m trained without fold(i), i)
///
/// Use when   the training rho saturates and there is no split to spare.
/// Gives      M values; none when a stop was asked for before all teachers were trained.
/// Cost       `num_folds` times the teachers' training on (1 - 1 / num_folds) of the samples.
/// Errors     ConfigError for fewer than 2 folds, or more folds than half the samples; DataError for a fold in which no
///            sample has a modality, or a teacher that has diverged; those of Trainer.
template <class MakeEncoder, data::DatasetPolicy Train, task::TaskPolicy Task>
[[nodiscard]] PerModality<double> cross_fitted_confidence(const MakeEncoder& make_encoder, const Train& train,
                                                          const Task& task, std::int64_t num_outputs,
                                                          TrainerOptions options, std::int64_t num_folds = 2) {
  if (num_folds < 2 || num_folds * 2 > train.size()) {
    throw ConfigError(fmt::format("g2d: cross-fitting: expected 2 to {} folds for {} samples, got {}", train.size() / 2,
                                  train.size(), num_folds));
  }
  options.selection = Selection::Last;  // The held-out fold must not choose the weights that judge it.
  const auto order = at::randperm(train.size(), make_generator(options.seed), at::kLong);
  const auto fold = at::arange(train.size(), at::kLong).remainder(num_folds);
  PerModality<double> confidence(train.names().size(), 0.0);
  PerModality<std::int64_t> num_judged(confidence.size(), 0);
  for (std::int64_t f = 0; f < num_folds; ++f) {
    const data::Subset kept(train, order.masked_select(fold.ne(f)));
    const data::Subset held_out(train, order.masked_select(fold.eq(f)));
    for (std::size_t m = 0; m < confidence.size(); ++m) {
      const auto trained = train_teacher(make_encoder(m), kept, held_out, m, task, num_outputs, options);
      const data::SingleModality judged(held_out, m);
      const auto predictions = predict(*trained.model, judged, trained.model->readout(), options.evaluation_batch_size);
      if (trained.history.was_interrupted) return {};
      const auto sure = task.confidence(predictions.fused, predictions.target);
      confidence[m] += sure.sum().template item<double>();
      num_judged[m] += sure.size(0);
      confidence::check_not_diverged(confidence[m], train.names()[m], "cross-fitting");
    }
  }
  for (std::size_t m = 0; m < confidence.size(); ++m) confidence[m] /= static_cast<double>(num_judged[m]);
  return confidence;
}

}  // namespace g2d
