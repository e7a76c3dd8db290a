// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/analysis/detail/for_each_batch.hpp>
#include <g2d/analysis/detail/subsets.hpp>
#include <g2d/core/batch.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/metrics/measure.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/train/detail/mode_scope.hpp>

namespace g2d::analysis {

/// What a modality outside a subset is replaced by. The two differ: an encoder maps an input of zeros to features that
/// are not zero.
enum class Absence {
  ZeroFeatures,  ///< Features of zeros.
  ZeroInput,     ///< The encoder's features of an input of zeros, as published benchmarks have it.
};

namespace detail {

/// The features of modality m, had the batch's inputs been zeros: [B, D], or [1, D] when they are the same for all
/// samples.
template <class Student>
[[nodiscard]] at::Tensor features_of_zeros(const Student& student, std::size_t m, const Input& input) {
  if (input.lengths.defined()) return student.encode(m, {at::zeros_like(input.values), input.lengths});
  return student.encode(m, at::zeros_like(input.values.narrow(0, 0, 1)));
}

}  // namespace detail

/// The metrics of the fused output for every subset of the modalities, the empty one included, by bitmask: bit m stands
/// for modality m. A sample that lacks a modality lacks it in every subset.
///
/// Evaluation mode, no gradients; every module's mode is put back.
/// Gives      2^M metrics; the last one is what `evaluate` gives.
/// Cost       each encoder once over the data (with ZeroInput once more on one sample of zeros, or, for sequences,
///            whose lengths count, on all); then 2^M passes of the fusion. 4 sum_m D_m bytes a sample in float32.
/// Errors     ConfigError for a dataset of other modalities or more than 16 of them; the task's for targets that are
///            not its own.
template <class Student, data::DatasetPolicy Dataset, task::TaskPolicy Task>
[[nodiscard]] std::vector<metrics::Metrics> evaluate_subsets(Student& student, const Dataset& dataset, const Task& task,
                                                             Absence absence = Absence::ZeroFeatures,
                                                             std::int64_t batch_size = 256) {
  const auto modalities = student.num_modalities();
  const auto num_subsets = detail::num_subsets(modalities, "evaluate_subsets");
  at::NoGradGuard no_grad;
  const g2d::detail::ModeScope evaluation(student, /*training=*/false);

  std::vector<PerModality<at::Tensor>> with, without;  // by batch
  std::vector<at::Tensor> targets;
  const auto encode = [&](const Batch& batch, const at::Tensor& /*rows*/) {
    auto features = student.encode(batch.inputs, batch.present);
    PerModality<at::Tensor> replacements;
    for (std::size_t m = 0; m < modalities; ++m) {
      if (absence == Absence::ZeroFeatures) {
        replacements.push_back(at::zeros_like(features[m].narrow(0, 0, 1)));
      } else if (without.empty() || batch.inputs[m].lengths.defined()) {
        replacements.push_back(detail::features_of_zeros(student, m, batch.inputs[m]));
      } else {
        replacements.push_back(without[0][m]);
      }
    }
    with.push_back(std::move(features));
    without.push_back(std::move(replacements));
    targets.push_back(batch.target);
  };
  detail::for_each_batch(dataset, student.names(), batch_size, student.parameters().front().device(), encode);
  const auto target = at::cat(targets);
  task.check(student.num_outputs(), target.cpu());

  std::vector<metrics::Metrics> subsets;
  for (std::size_t subset = 0; subset < num_subsets; ++subset) {
    std::vector<at::Tensor> logits;
    for (std::size_t i = 0; i < with.size(); ++i) {
      auto features = with[i];
      for (std::size_t m = 0; m < modalities; ++m) {
        if ((subset >> m & 1U) == 0) features[m] = without[i][m].expand_as(with[i][m]);
      }
      logits.push_back(student.fuse(features).logits);
    }
    subsets.push_back(metrics::measure(task, at::cat(logits), target));
  }
  return subsets;
}

}  // namespace g2d::analysis
