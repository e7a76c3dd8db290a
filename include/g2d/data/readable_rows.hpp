// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/tensor.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/streaming.hpp>

namespace g2d::data {

/// Which samples can be read.
struct ReadableRows {
  at::Tensor rows;                  ///< int64 [R]; of the dataset, in its order.
  std::vector<std::string> errors;  ///< Of each other row the first one, which names the sample and the file.
};

/// Reads every sample once, with `num_workers` threads, and keeps nothing.
///
/// Cost       as one epoch of reading.
[[nodiscard]] inline ReadableRows readable_rows(const Samples& samples, std::int64_t num_workers = 2) {
  std::vector<bool> is_readable(static_cast<std::size_t>(samples.size()), true);
  ReadableRows result;
  for (std::size_t m = 0; m < samples.names().size(); ++m) {
    std::vector<std::int64_t> rows;
    std::vector<at::Tensor> batches;  // of one row each, so that an error is one row's
    for (std::int64_t row = 0; row < samples.size(); ++row) {
      if (!is_readable[static_cast<std::size_t>(row)] || !samples.has(row, m)) continue;
      rows.push_back(row);
      batches.push_back(at::tensor({row}, at::kLong));
    }
    if (rows.empty()) continue;
    auto stream = Streaming(samples.only(m), {.num_workers = num_workers}).stream(std::move(batches), 0);
    for (const auto row : rows) {
      try {
        (void)stream.next();
      } catch (const DataError& error) {
        is_readable[static_cast<std::size_t>(row)] = false;
        result.errors.emplace_back(error.what());
      }
    }
  }
  std::vector<std::int64_t> kept;
  for (std::int64_t row = 0; row < samples.size(); ++row) {
    if (is_readable[static_cast<std::size_t>(row)]) kept.push_back(row);
  }
  result.rows = at::tensor(kept, at::kLong);
  return result;
}

}  // namespace g2d::data
