// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <bit>
#include <cstddef>
#include <span>
#include <vector>

#include <g2d/analysis/detail/subsets.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/shapley_weights.hpp>

namespace g2d::analysis {

/// The contribution of each modality: its mean marginal gain over all orders in which modalities may join.
///
///     phi_m = sum_{S without m} |S|! (M - |S| - 1)! / M!  [v(S + m) - v(S)]
///
/// `game[S]` is v of the subset S, a bitmask: bit m stands for modality m, game[0] is the empty set, game.back() all.
///
/// Invariant  the values add up to game.back() - game[0].
/// Cost       M 2^M additions; the game itself takes 2^M evaluations.
/// Errors     ConfigError for a number of values that is no 2^M, M >= 1, or for more than 16 modalities.
/// Source     Shapley 1953.
[[nodiscard]] inline PerModality<double> shapley_values(std::span<const double> game) {
  const auto modalities = detail::num_modalities(game.size(), "shapley_values");
  const auto weight = shapley_weights(modalities);
  PerModality<double> values(modalities, 0.0);
  for (std::size_t m = 0; m < modalities; ++m) {
    const std::size_t own = std::size_t{1} << m;
    for (std::size_t subset = 0; subset < game.size(); ++subset) {
      if ((subset & own) != 0) continue;
      values[m] += weight[static_cast<std::size_t>(std::popcount(subset))] * (game[subset | own] - game[subset]);
    }
  }
  return values;
}

}  // namespace g2d::analysis
