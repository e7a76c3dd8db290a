// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include <g2d/confidence/check.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/to_device.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/teacher/teachers.hpp>

namespace g2d {

/// rho of each teacher on a dataset, for teachers whose outputs are not precomputed: the mean confidence over the
/// samples that have its modality, augmented as in epoch 0 where the dataset augments; NaN where none has it.
///
/// Cost       one forward pass of every teacher over the dataset.
/// Errors     ConfigError for a dataset of other modalities; DataError for a teacher that has diverged.
template <data::DatasetPolicy Dataset, task::TaskPolicy Task>
[[nodiscard]] PerModality<double> measure_confidence(const Teachers& teachers, const Dataset& dataset, const Task& task,
                                                     std::int64_t batch_size = 128) {
  if (!(dataset.names() == teachers.names())) {
    throw ConfigError(
        fmt::format("g2d: measure_confidence: expected a dataset of the teachers' modalities ({}), got ({})",
                    teachers.names().joined(), dataset.names().joined()));
  }
  const at::NoGradGuard no_grad;
  const auto device = teachers[0].options().device();
  const auto modalities = static_cast<std::int64_t>(teachers.size());
  auto sums = at::zeros({modalities}, at::device(device).dtype(at::kDouble));
  auto counts = at::zeros_like(sums);
  const auto batches = data::ordered_batches(dataset.size(), batch_size);
  auto stream = data::stream(dataset, batches);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto batch = data::to_device(stream.next(), device);
    const auto confidence = teachers(batch, task).confidence;
    sums.add_(confidence.sum(0));
    counts.add_(batch.present.defined() ? batch.present.sum(0) : at::ones_like(confidence).sum(0));
  }
  sums = sums.cpu();
  for (std::size_t m = 0; m < teachers.size(); ++m) {
    confidence::check_not_diverged(sums[static_cast<std::int64_t>(m)].item<double>(), teachers.names()[m],
                                   "measure_confidence");
  }
  const auto means = sums.div(counts.cpu());
  return {means.const_data_ptr<double>(), means.const_data_ptr<double>() + modalities};
}

}  // namespace g2d
