// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <g2d/analysis/detail/for_each_batch.hpp>
#include <g2d/analysis/detail/input_noise.hpp>
#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/metrics/measure.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/train/detail/mode_scope.hpp>

namespace g2d::analysis {

struct NoiseOptions {
  std::uint64_t seed = 0;
  std::int64_t batch_size = 256;
};

/// The metrics of the fused output when the input of modality m is noisy, for each level.
///
///     x_m' = x_m + level * s_m * n,   n ~ N(0, 1),   s_m the standard deviation of all values of x_m in the dataset
///
/// A sample's n depends on seed, modality and sample id alone (the row, for a dataset without ids), so that it is the
/// same at every level and in every batch size. Padding of sequences stays as it is.
///
/// Evaluation mode, no gradients; every module's mode is put back.
/// Gives      one set of metrics for each level; at level 0 what `evaluate` gives.
/// Cost       two passes over the data; each other encoder once, this one once for each level.
/// Errors     ConfigError for no levels, a level that is negative or not finite, a modality that the student does not
///            have, inputs that are not floating, or a dataset of other modalities; the task's for targets that are not
///            its own.
template <class Student, data::DatasetPolicy Dataset, task::TaskPolicy Task>
[[nodiscard]] std::vector<metrics::Metrics> evaluate_under_noise(Student& student, const Dataset& dataset,
                                                                 const Task& task, std::size_t m,
                                                                 std::span<const double> levels,
                                                                 const NoiseOptions& options = {}) {
  const auto& names = student.names();
  if (m >= names.size()) {
    throw ConfigError(
        fmt::format("g2d: analysis::evaluate_under_noise: expected a modality in [0, {}), got {}", names.size(), m));
  }
  if (levels.empty()) throw ConfigError("g2d: analysis::evaluate_under_noise: expected at least one level, got none");
  for (const double level : levels) {
    if (!(level >= 0.0) || !std::isfinite(level)) {
      throw ConfigError(fmt::format("g2d: analysis::evaluate_under_noise: expected finite levels >= 0, got {}", level));
    }
  }
  at::NoGradGuard no_grad;
  const g2d::detail::ModeScope evaluation(student, /*training=*/false);
  const auto device = student.parameters().front().device();

  detail::PooledDeviation deviation;
  const auto measure = [&](const Batch& batch, const at::Tensor& /*rows*/) {
    const auto dtype = batch.inputs[m].values.scalar_type();
    if (!c10::isFloatingType(dtype)) {
      throw ConfigError(
          fmt::format("g2d: analysis::evaluate_under_noise: modality \"{}\": expected floating inputs, got {}",
                      names[m], c10::toString(dtype)));
    }
    deviation.add(batch, m);
  };
  detail::for_each_batch(dataset, names, options.batch_size, device, measure);

  std::vector<std::vector<at::Tensor>> logits(levels.size());
  std::vector<at::Tensor> targets;
  const auto evaluate = [&](const Batch& batch, const at::Tensor& rows) {
    const auto& input = batch.inputs[m];
    const auto noise = detail::unit_noise(input, batch.sample_ids.defined() ? batch.sample_ids : rows, options.seed, m);
    PerModality<at::Tensor> features(names.size());
    for (std::size_t other = 0; other < names.size(); ++other) {
      if (other != m) features[other] = student.encode(other, batch.inputs[other], batch.present);
    }
    for (std::size_t i = 0; i < levels.size(); ++i) {
      const Input noisy{input.values.add(noise, levels[i] * deviation.value()), input.lengths};
      features[m] = student.encode(m, noisy, batch.present);
      logits[i].push_back(student.fuse(features).logits);
    }
    targets.push_back(batch.target);
  };
  detail::for_each_batch(dataset, names, options.batch_size, device, evaluate);
  const auto target = at::cat(targets);
  task.check(student.num_outputs(), target.cpu());
  std::vector<metrics::Metrics> by_level;
  for (const auto& parts : logits) by_level.push_back(metrics::measure(task, at::cat(parts), target));
  return by_level;
}

}  // namespace g2d::analysis
