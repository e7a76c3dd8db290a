// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/streaming.hpp>

namespace g2d::data {
namespace detail {

/// Samples of one batch are alike; those of different batches need not be, and a copy would stretch them. Sequences may
/// differ in length.
inline void check_alike(const Input& all, const Input& part, std::string_view modality, const std::string& sample) {
  const std::size_t first = part.lengths.defined() ? 2 : 1;
  if (part.values.dim() == all.values.dim() && part.values.sizes().slice(first) == all.values.sizes().slice(first) &&
      part.values.scalar_type() == all.values.scalar_type()) {
    return;
  }
  throw DataError(fmt::format(
      "g2d: data::load_in_memory: sample \"{}\", modality \"{}\": expected {} {} as in the first samples, got {} {}",
      sample, modality, c10::toString(all.values.scalar_type()), to_string(all.values.sizes().slice(1)),
      c10::toString(part.values.scalar_type()), to_string(part.values.sizes().slice(1))));
}

/// Copies a part of the samples to its place among all of them, which grow when longer sequences come.
inline void place(Input& all, const Input& part, std::int64_t row, std::int64_t num_samples) {
  const auto& values = part.values;
  const auto count = values.size(0);
  if (!all.values.defined()) {
    auto sizes = values.sizes().vec();
    sizes[0] = num_samples;
    all.values = at::zeros(sizes, values.options());
    if (part.lengths.defined()) all.lengths = at::zeros({num_samples}, at::kLong);
  }
  if (!part.lengths.defined()) {
    all.values.narrow(0, row, count).copy_(values);
    return;
  }
  const auto longest = values.size(1);
  if (longest > all.values.size(1)) {
    auto sizes = all.values.sizes().vec();
    sizes[1] = longest - sizes[1];
    all.values = at::cat({all.values, at::zeros(sizes, values.options())}, 1);
  }
  all.values.narrow(0, row, count).narrow(1, 0, longest).copy_(values);
  all.lengths.narrow(0, row, count).copy_(part.lengths);
}

}  // namespace detail

/// Reads all samples once, with `num_workers` threads, into one tensor for each modality; sequences are padded to the
/// longest.
///
/// Cost       memory: the dataset, and a few batches while it is read.
/// Errors     ConfigError when a transform is random: it would be drawn once and for all; DataError of the first sample
///            that cannot be read.
[[nodiscard]] inline InMemory load_in_memory(const Samples& samples, std::int64_t num_workers = 2) {
  if (!samples.is_deterministic()) {
    throw ConfigError(
        "g2d: data::load_in_memory: expected samples without random transforms, which would be drawn only once; use "
        "data::Streaming, or augment nothing");
  }
  constexpr std::int64_t rows_at_once = 32;
  const auto batches = ordered_batches(samples.size(), rows_at_once);
  auto stream = Streaming(samples, {.num_workers = num_workers}).stream(batches, 0);
  PerModality<Input> inputs(samples.names().size());
  std::int64_t row = 0;
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const auto batch = stream.next();
    for (std::size_t m = 0; m < inputs.size(); ++m) {
      if (row > 0) detail::check_alike(inputs[m], batch.inputs[m], samples.names()[m], samples.sample_name(row));
      detail::place(inputs[m], batch.inputs[m], row, samples.size());
    }
    row += batch.size();
  }
  const auto rows = at::arange(samples.size(), at::kLong);
  return {samples.names(), std::move(inputs), samples.targets(), samples.sample_ids(), samples.present(rows)};
}

}  // namespace g2d::data
