// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/metrics/metric.hpp>

namespace g2d::analysis {

/// The game v(S) that `shapley_values` takes, from the metrics of every subset: the first metric of which more is
/// better, so accuracy for classes and labels, R^2 for regression.
///
/// Errors     ConfigError when less is better of all metrics.
[[nodiscard]] inline std::vector<double> subset_game(const std::vector<metrics::Metrics>& subsets) {
  std::vector<double> game;
  for (const auto& metrics : subsets) {
    const auto first =
        std::find_if(metrics.begin(), metrics.end(), [](const auto& metric) { return metric.higher_is_better; });
    if (first == metrics.end()) {
      throw ConfigError("g2d: analysis::subset_game: expected a metric of which more is better, got none");
    }
    game.push_back(first->value);
  }
  return game;
}

}  // namespace g2d::analysis
