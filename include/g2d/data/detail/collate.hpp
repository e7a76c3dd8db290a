// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/data/samples.hpp>

namespace g2d::data::detail {

/// The values of one modality for the rows of a batch; undefined where a sample lacks it.
using Column = std::vector<at::Tensor>;

/// Where no sample of a batch has a modality, any other sample tells its shape.
[[nodiscard]] inline at::Tensor first_value(const Samples& samples, std::size_t m, const Column& column) {
  const auto found =
      std::find_if(column.begin(), column.end(), [](const at::Tensor& value) { return value.defined(); });
  return found != column.end() ? *found : samples.example(m);
}

[[nodiscard]] inline Input stack_equal(const Samples& samples, const at::Tensor& rows, std::size_t m, Column column) {
  const auto first = first_value(samples, m, column);
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (!column[i].defined()) column[i] = at::zeros_like(first);
    if (column[i].sizes() != first.sizes() || column[i].scalar_type() != first.scalar_type()) {
      const auto row = rows.const_data_ptr<std::int64_t>()[i];
      throw DataError(
          fmt::format("g2d: sample \"{}\", modality \"{}\": expected {} {} as in other samples of its batch, got {} "
                      "{}; a transform "
                      "(resize, crop, tile) makes them equal, or make the modality a sequence",
                      samples.sample_name(row), samples.names()[m], c10::toString(first.scalar_type()),
                      to_string(first.sizes()), c10::toString(column[i].scalar_type()), to_string(column[i].sizes())));
    }
  }
  return at::stack(column);
}

/// Sequences [T_i, ...] side by side, zeros behind the shorter ones; an absent one has length 0.
[[nodiscard]] inline Input pad(const Samples& samples, const at::Tensor& rows, std::size_t m, const Column& column) {
  const auto first = first_value(samples, m, column);
  std::int64_t longest = 1;
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (!column[i].defined()) continue;
    if (column[i].dim() == 0 || column[i].sizes().slice(1) != first.sizes().slice(1)) {
      throw DataError(fmt::format("g2d: sample \"{}\", modality \"{}\": expected a sequence [T, ...] like {}, got {}",
                                  samples.sample_name(rows.const_data_ptr<std::int64_t>()[i]), samples.names()[m],
                                  to_string(first.sizes()), to_string(column[i].sizes())));
    }
    longest = std::max(longest, column[i].size(0));
  }
  auto sizes = first.sizes().vec();
  sizes[0] = longest;
  sizes.insert(sizes.begin(), static_cast<std::int64_t>(column.size()));
  auto values = at::zeros(sizes, first.options());
  auto lengths = at::zeros({static_cast<std::int64_t>(column.size())}, at::kLong);
  for (std::size_t i = 0; i < column.size(); ++i) {
    if (!column[i].defined()) continue;
    const auto length = column[i].size(0);
    values.select(0, static_cast<std::int64_t>(i)).narrow(0, 0, length).copy_(column[i]);
    lengths.mutable_data_ptr<std::int64_t>()[i] = length;
  }
  return {values, lengths};
}

/// What was read of the rows of a batch, one column a modality, as a batch.
[[nodiscard]] inline Batch collate(const Samples& samples, const at::Tensor& rows, std::vector<Column> columns) {
  Batch batch;
  for (std::size_t m = 0; m < columns.size(); ++m) {
    if (!samples.reads(m)) {
      batch.inputs.emplace_back();
      continue;
    }
    batch.inputs.push_back(samples.is_sequence(m) ? pad(samples, rows, m, columns[m])
                                                  : stack_equal(samples, rows, m, std::move(columns[m])));
  }
  batch.target = samples.targets(rows);
  batch.sample_ids = samples.sample_ids(rows);
  batch.present = samples.present(rows);
  return batch;
}

/// Reads what is asked for of one sample to its place in the columns.
inline void read_sample(const Samples& samples, std::int64_t row, std::int64_t epoch, std::vector<Column>& columns,
                        std::int64_t position) {
  for (std::size_t m = 0; m < columns.size(); ++m) {
    if (samples.reads(m) && samples.has(row, m))
      columns[m][static_cast<std::size_t>(position)] = samples.read(row, m, epoch);
  }
}

/// Reads a batch in this thread.
[[nodiscard]] inline Batch read(const Samples& samples, const at::Tensor& rows, std::int64_t epoch) {
  std::vector<Column> columns(samples.names().size(), Column(static_cast<std::size_t>(rows.size(0))));
  for (std::int64_t i = 0; i < rows.size(0); ++i)
    read_sample(samples, rows.const_data_ptr<std::int64_t>()[i], epoch, columns, i);
  return collate(samples, rows, std::move(columns));
}

}  // namespace g2d::data::detail
