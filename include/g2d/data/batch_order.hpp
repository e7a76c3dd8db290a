// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randperm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>

namespace g2d::data {

/// Cuts rows [N] into batches. A last batch of one sample, which norm layers refuse, joins the batch before it.
[[nodiscard]] inline std::vector<at::Tensor> cut(const at::Tensor& rows, std::int64_t batch_size) {
  if (batch_size < 1) throw ConfigError(fmt::format("g2d: batches: expected batch_size >= 1, got {}", batch_size));
  const auto size = rows.size(0);
  std::vector<at::Tensor> batches;
  for (std::int64_t begin = 0; begin < size;) {
    auto length = std::min(batch_size, size - begin);
    if (size - begin - length == 1) ++length;
    batches.push_back(rows.narrow(0, begin, length));
    begin += length;
  }
  return batches;
}

/// The batches of one training epoch: a pure function of (seed, epoch).
[[nodiscard]] inline std::vector<at::Tensor> shuffled_batches(std::int64_t num_samples, std::int64_t batch_size,
                                                              std::uint64_t seed, std::int64_t epoch) {
  return cut(at::randperm(num_samples, make_generator(seed, static_cast<std::uint64_t>(epoch)), at::kLong), batch_size);
}

/// All rows in order, for evaluation.
[[nodiscard]] inline std::vector<at::Tensor> ordered_batches(std::int64_t num_samples, std::int64_t batch_size) {
  return cut(at::arange(num_samples, at::kLong), batch_size);
}

}  // namespace g2d::data
