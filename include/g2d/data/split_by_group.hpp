// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/_unique.h>
#include <ATen/ops/bincount.h>
#include <ATen/ops/randperm.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/data/held_out.hpp>

namespace g2d::data {

namespace detail {

/// Which groups are held out: bool [G]. `counts`: float64 [G, C], rows of each group and class.
[[nodiscard]] inline at::Tensor choose_groups(const at::Tensor& counts, double fraction, at::Generator generator) {
  const auto shares = counts / counts.sum(0).clamp_min(1);
  const auto count = counts.size(0);
  const auto order = at::randperm(count, std::optional(std::move(generator)), at::kLong);
  auto chosen = at::zeros({count}, at::kBool);
  auto held = shares.new_zeros({shares.size(1)});
  const auto distance = [&](const at::Tensor& share) { return (share - fraction).square().sum().item<double>(); };
  std::int64_t num_chosen = 0, nearest = order[0].item<std::int64_t>();
  for (std::int64_t i = 0; i < count && num_chosen < count - 1; ++i) {
    const auto group = order[i].item<std::int64_t>();
    if (distance(shares[group]) < distance(shares[nearest])) nearest = group;
    if (!(distance(held + shares[group]) < distance(held))) continue;
    held += shares[group];
    chosen[group] = true;
    ++num_chosen;
  }
  if (num_chosen == 0) chosen[nearest] = true;
  return chosen;
}

}  // namespace detail

/// Holds out whole groups, such as the recordings of a speaker or the images of a patient, so that none is on both
/// sides. Groups in random order are held out while that brings the held-out share of every class nearer to `fraction`;
/// at least one group stays on either side.
///
/// Shapes     groups and rows int64 [N]: rows[i] belongs to groups[i]; classes int64 [N], or undefined where targets
///            are no classes.
/// Errors     ConfigError for a fraction outside (0, 1); DataError naming `what` for fewer than two groups.
[[nodiscard]] inline HeldOut split_by_group(const at::Tensor& groups, const at::Tensor& classes, const at::Tensor& rows,
                                            double fraction, at::Generator generator, std::string_view what) {
  if (!(fraction > 0 && fraction < 1)) {
    throw ConfigError(
        fmt::format("g2d: data::split_by_group: {}: expected a fraction between 0 and 1, got {}", what, fraction));
  }
  const auto [names, group_of] = at::_unique(groups, /*sorted=*/true, /*return_inverse=*/true);
  if (names.size(0) < 2) {
    throw DataError(fmt::format("g2d: data::split_by_group: {}: expected at least 2 groups to divide, got {}", what,
                                names.size(0)));
  }
  const auto class_of = classes.defined() ? classes : at::zeros_like(groups);
  const auto num_classes = class_of.max().item<std::int64_t>() + 1;
  const auto counts = at::bincount(group_of * num_classes + class_of, {}, names.size(0) * num_classes)
                          .view({names.size(0), num_classes})
                          .to(at::kDouble);
  const auto is_held = detail::choose_groups(counts, fraction, std::move(generator)).index_select(0, group_of);
  const auto sorted = [&](const at::Tensor& mask) { return std::get<0>(rows.masked_select(mask).sort()); };
  return {sorted(is_held.logical_not()), sorted(is_held)};
}

}  // namespace g2d::data
