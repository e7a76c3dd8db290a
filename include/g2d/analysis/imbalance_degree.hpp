// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::analysis {

/// How unequally modalities contribute. The formula is ours: benchmarks name such a degree without giving one.
///
///     absolute = mean_{i<j} |phi_i - phi_j|        normalized = absolute / sum_m |phi_m|
struct ImbalanceDegree {
  double absolute = 0.0;    ///< In the unit of the game, 0 when all contribute the same.
  double normalized = 0.0;  ///< Free of that unit; 1 when one of two contributes alone; 0 when none contributes.
};

/// Of the Shapley values, or any other measure of contribution.
///
/// Errors     ConfigError for fewer than two modalities.
[[nodiscard]] inline ImbalanceDegree imbalance_degree(ModalitySpan<double> contributions) {
  const auto modalities = contributions.size();
  if (modalities < 2) {
    throw ConfigError(
        fmt::format("g2d: analysis::imbalance_degree: expected at least 2 contributions, got {}", modalities));
  }
  double differences = 0.0;
  double sizes = 0.0;
  for (std::size_t i = 0; i < modalities; ++i) {
    sizes += std::abs(contributions[i]);
    for (std::size_t j = i + 1; j < modalities; ++j) differences += std::abs(contributions[i] - contributions[j]);
  }
  const double absolute = 2.0 * differences / static_cast<double>(modalities * (modalities - 1));
  return {absolute, sizes > 0.0 ? absolute / sizes : 0.0};
}

}  // namespace g2d::analysis
