// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <span>

#include <g2d/analysis/detail/subsets.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::analysis {

/// How much of the score is lost without each modality.
///
///     u_m = (v(all) - v(all but m)) / v(all)
///
/// `game` as for `shapley_values`. NaN or infinite when v(all) is 0; of little meaning for a game that can be negative.
///
/// Errors     ConfigError for a number of values that is no 2^M, M >= 1, or for more than 16 modalities.
/// Source     Wu et al. 2022, arXiv:2202.05306, who take v from branches of one model; here a modality is left out.
[[nodiscard]] inline PerModality<double> conditional_utilization(std::span<const double> game) {
  const auto modalities = detail::num_modalities(game.size(), "conditional_utilization");
  PerModality<double> utilization;
  for (std::size_t m = 0; m < modalities; ++m) {
    const std::size_t others = (game.size() - 1) ^ (std::size_t{1} << m);
    utilization.push_back((game.back() - game[others]) / game.back());
  }
  return utilization;
}

}  // namespace g2d::analysis
