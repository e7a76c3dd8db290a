// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <g2d/core/output_kind.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/detail/join_present.hpp>
#include <g2d/data/to_device.hpp>
#include <g2d/metrics/measure.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/train/detail/encode_unless_known.hpp>
#include <g2d/train/detail/mode_scope.hpp>
#include <g2d/train/detail/stage_features.hpp>

namespace g2d {

/// How good a student is on a dataset.
struct Evaluation {
  double loss = 0.0;       ///< The task's, on the fused output.
  metrics::Metrics fused;  ///< Of the fused output.
  /// Of what each modality says alone, by the readout. These and the two below count the samples that have the
  /// modality; NaN where none does.
  PerModality<metrics::Metrics> unimodal;
  PerModality<double> unimodal_loss = {};        ///< The task's, on the same.
  PerModality<double> unimodal_confidence = {};  ///< The student's own rho: the mean confidence of the same.
  std::int64_t num_samples = 0;

  /// The metric that models are selected by, greater is better.
  [[nodiscard]] double score() const { return score(fused); }
  /// The same of what modality m says alone.
  [[nodiscard]] double score(std::size_t m) const { return score(unimodal[m]); }

 private:
  [[nodiscard]] static double score(const metrics::Metrics& metrics) {
    return metrics[0].higher_is_better ? metrics[0].value : -metrics[0].value;
  }
};

/// What a student says about a whole dataset: [N, C] each, rows in the dataset's order, on the student's device.
struct Predictions {
  at::Tensor fused;
  PerModality<at::Tensor> unimodal;
  at::Tensor target;
  at::Tensor present = {};  ///< bool [N, M]: which modalities a sample has; undefined when all have all.
};

/// Runs a student over a dataset in evaluation mode, without gradients; every module's mode is put back. `known`:
/// features of encoders that stand still, kept from one call to the next; null: none are.
template <class Student, data::DatasetPolicy Dataset, class Readout>
[[nodiscard]] Predictions predict(Student& student, const Dataset& dataset, const Readout& readout,
                                  std::int64_t batch_size = 256, detail::StageFeatures* known = nullptr) {
  at::NoGradGuard no_grad;
  const detail::ModeScope evaluation(student, /*training=*/false);
  const auto device = student.parameters().front().device();
  std::vector<at::Tensor> fused, target, present;
  PerModality<std::vector<at::Tensor>> unimodal(student.num_modalities());
  const auto batches = data::ordered_batches(dataset.size(), batch_size);
  auto stream =
      known == nullptr ? data::stream(dataset, batches) : data::stream_reading(known->missing(), dataset, batches);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto batch = data::to_device(stream.next(), device);
    const auto features = detail::encode_unless_known(student, batch, batches[i], known);
    fused.push_back(student.fuse(features).logits);
    target.push_back(batch.target);
    present.push_back(batch.present);
    const auto parts = student.unimodal_logits(features, readout);
    for (std::size_t m = 0; m < parts.size(); ++m) unimodal[m].push_back(parts[m]);
  }
  if (batches.empty()) {
    const auto nothing = at::zeros({0, student.num_outputs()}, student.parameters().front().options());
    return {nothing, PerModality<at::Tensor>(student.num_modalities(), nothing), at::zeros({0})};
  }
  Predictions predictions{
      at::cat(fused), {}, at::cat(target), data::detail::join_present(present, target, student.num_modalities())};
  for (const auto& parts : unimodal) predictions.unimodal.push_back(at::cat(parts));
  return predictions;
}

namespace detail {

/// The task's metrics of no sample: NaN each.
template <task::TaskPolicy Task>
[[nodiscard]] metrics::Metrics no_metrics(const Task& task, std::int64_t num_outputs) {
  const auto output = at::zeros({1, num_outputs});
  const bool has_classes = static_cast<OutputKind>(task.output_kind) == OutputKind::Classes;
  auto metrics = metrics::measure(task, output, has_classes ? at::zeros({1}, at::kLong) : at::zeros_like(output));
  for (auto& metric : metrics) metric.value = std::numeric_limits<double>::quiet_NaN();
  return metrics;
}

/// What modality m says alone, judged on the samples that have it.
template <task::TaskPolicy Task>
void add_unimodal(Evaluation& evaluation, const Predictions& predictions, std::size_t m, const Task& task) {
  auto logits = predictions.unimodal[m];
  auto target = predictions.target;
  if (predictions.present.defined()) {
    const auto rows = predictions.present.select(1, static_cast<std::int64_t>(m)).nonzero().squeeze(1);
    logits = logits.index_select(0, rows);
    target = target.index_select(0, rows);
  }
  if (logits.size(0) == 0) {
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    evaluation.unimodal.push_back(no_metrics(task, logits.size(1)));
    evaluation.unimodal_loss.push_back(none);
    evaluation.unimodal_confidence.push_back(none);
    return;
  }
  evaluation.unimodal.push_back(metrics::measure(task, logits, target));
  evaluation.unimodal_loss.push_back(task.loss(logits, target).template item<double>());
  evaluation.unimodal_confidence.push_back(task.confidence(logits, target).mean().template item<double>());
}

}  // namespace detail

/// The task's loss and metrics of predictions, fused and modality by modality; NaN of no sample.
///
/// Errors     ShapeError or DataError for targets that are not the task's.
template <task::TaskPolicy Task>
[[nodiscard]] Evaluation evaluate(const Predictions& predictions, const Task& task) {
  at::NoGradGuard no_grad;
  Evaluation evaluation;
  evaluation.num_samples = predictions.target.size(0);
  if (evaluation.num_samples == 0) {
    evaluation.loss = std::numeric_limits<double>::quiet_NaN();
    evaluation.fused = detail::no_metrics(task, predictions.fused.size(1));
  } else {
    task.check(predictions.fused.size(1), predictions.target.cpu());
    evaluation.loss = task.loss(predictions.fused, predictions.target).template item<double>();
    evaluation.fused = metrics::measure(task, predictions.fused, predictions.target);
  }
  for (std::size_t m = 0; m < predictions.unimodal.size(); ++m) detail::add_unimodal(evaluation, predictions, m, task);
  return evaluation;
}

/// A student on a dataset, modalities read by the student's own readout.
template <class Student, data::DatasetPolicy Dataset, task::TaskPolicy Task>
[[nodiscard]] Evaluation evaluate(Student& student, const Dataset& dataset, const Task& task,
                                  std::int64_t batch_size = 256, detail::StageFeatures* known = nullptr) {
  return evaluate(predict(student, dataset, student.readout(), batch_size, known), task);
}

}  // namespace g2d
