// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/randperm.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::dataset {

/// Pairs of rows of one class: pair n joins first[n] with second[n]. int64 [N] each.
struct ClassPairs {
  at::Tensor first;
  at::Tensor second;
  at::Tensor labels;
};

/// Pairs two sets of rows by class: `count` rows of the first in shuffled order, each with the next row of its class
/// from the second in shuffled order. A set that runs out starts again: no row is used twice before all were used once.
///
/// Shapes     labels [N1] and [N2] of all rows; rows: which of them may be used.
/// Errors     ConfigError unless count > 0; DataError naming `what` when a set is empty or a class of the first has no
///            row in the second.
[[nodiscard]] inline ClassPairs pair_by_class(const at::Tensor& first_labels, const at::Tensor& first_rows,
                                              const at::Tensor& second_labels, const at::Tensor& second_rows,
                                              std::int64_t count, const at::Generator& generator,
                                              std::string_view what) {
  if (count < 1) {
    throw ConfigError(fmt::format("g2d: dataset::pair_by_class: {}: expected at least one pair, got {}", what, count));
  }
  if (first_rows.numel() == 0 || second_rows.numel() == 0) {
    throw DataError(fmt::format("g2d: dataset::pair_by_class: {}: expected rows on both sides, got {} and {}", what,
                                first_rows.numel(), second_rows.numel()));
  }
  const auto shuffled = [&](const at::Tensor& rows) {
    return rows.index_select(0, at::randperm(rows.size(0), std::optional(generator), at::kLong));
  };
  const auto first = shuffled(first_rows);
  const auto second = shuffled(second_rows);

  struct Ring {
    std::vector<std::int64_t> rows;
    std::size_t next = 0;
  };
  std::unordered_map<std::int64_t, Ring> second_of_class;
  const auto second_classes = second_labels.index_select(0, second);
  for (std::int64_t n = 0; n < second.size(0); ++n) {
    second_of_class[second_classes.const_data_ptr<std::int64_t>()[n]].rows.push_back(
        second.const_data_ptr<std::int64_t>()[n]);
  }

  ClassPairs pairs{at::empty({count}, at::kLong), at::empty({count}, at::kLong), at::empty({count}, at::kLong)};
  const auto first_classes = first_labels.index_select(0, first);
  for (std::int64_t n = 0; n < count; ++n) {
    const auto from = n % first.size(0);
    const auto label = first_classes.const_data_ptr<std::int64_t>()[from];
    const auto found = second_of_class.find(label);
    if (found == second_of_class.end()) {
      throw DataError(
          fmt::format("g2d: dataset::pair_by_class: {}: class {}: expected it on both sides, got it on the first only",
                      what, label));
    }
    auto& ring = found->second;
    pairs.first.mutable_data_ptr<std::int64_t>()[n] = first.const_data_ptr<std::int64_t>()[from];
    pairs.second.mutable_data_ptr<std::int64_t>()[n] = ring.rows[ring.next++ % ring.rows.size()];
    pairs.labels.mutable_data_ptr<std::int64_t>()[n] = label;
  }
  return pairs;
}

}  // namespace g2d::dataset
