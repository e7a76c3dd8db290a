// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randperm.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/data/held_out.hpp>

namespace g2d::data {

/// Holds out `fraction` of the rows, chosen by `generator`; at least one stays on either side.
///
/// Shapes     rows int64 [N].
/// Errors     ConfigError for a fraction outside (0, 1); DataError naming `what` for fewer than two rows.
[[nodiscard]] inline HeldOut split_at_random(const at::Tensor& rows, double fraction, at::Generator generator,
                                             std::string_view what) {
  if (!(fraction > 0 && fraction < 1)) {
    throw ConfigError(
        fmt::format("g2d: data::split_at_random: {}: expected a fraction between 0 and 1, got {}", what, fraction));
  }
  const auto count = rows.size(0);
  if (count < 2) {
    throw DataError(fmt::format("g2d: data::split_at_random: {}: expected at least 2 to divide, got {}", what, count));
  }
  const auto shuffled = rows.index_select(0, at::randperm(count, std::optional(std::move(generator)), at::kLong));
  const auto part = std::clamp<std::int64_t>(std::llround(fraction * static_cast<double>(count)), 1, count - 1);
  const auto sorted = [](const at::Tensor& some) { return std::get<0>(some.sort()); };
  return {sorted(shuffled.narrow(0, part, count - part)), sorted(shuffled.narrow(0, 0, part))};
}

}  // namespace g2d::data
