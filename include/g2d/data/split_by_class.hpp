// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randperm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/held_out.hpp>

namespace g2d::data {

/// Holds out `fraction` of the rows of every class, chosen by `generator`; at least one stays on either side. A class
/// of one row is kept.
///
/// Shapes     labels [N] and rows [N]: rows[i] belongs to class labels[i].
/// Errors     ConfigError for a fraction outside (0, 1); DataError naming `what` when no class has two rows.
[[nodiscard]] inline HeldOut split_by_class(const at::Tensor& labels, const at::Tensor& rows, double fraction,
                                            at::Generator generator, std::string_view what) {
  if (!(fraction > 0 && fraction < 1)) {
    throw ConfigError(
        fmt::format("g2d: data::split_by_class: {}: expected a fraction between 0 and 1, got {}", what, fraction));
  }
  std::vector<at::Tensor> kept;
  std::vector<at::Tensor> held_out;
  const auto last = labels.numel() == 0 ? -1 : labels.max().item<std::int64_t>();
  for (std::int64_t label = 0; label <= last; ++label) {
    const auto members = rows.masked_select(labels == label);
    const auto count = members.size(0);
    if (count == 0) continue;
    if (count == 1) {
      kept.push_back(members);
      continue;
    }
    const auto shuffled = members.index_select(0, at::randperm(count, std::optional(generator), at::kLong));
    const auto part = std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(count)), 1, count - 1);
    held_out.push_back(shuffled.narrow(0, 0, part));
    kept.push_back(shuffled.narrow(0, part, count - part));
  }
  if (held_out.empty()) {
    throw DataError(
        fmt::format("g2d: data::split_by_class: {}: expected a class of at least 2 to divide, got none", what));
  }
  const auto sorted = [](const std::vector<at::Tensor>& parts) { return std::get<0>(at::cat(parts).sort()); };
  return {sorted(kept), sorted(held_out)};
}

}  // namespace g2d::data
