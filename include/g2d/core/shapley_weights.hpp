// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

namespace g2d {

/// How often a modality joins a set of others of size |S| = 0, ..., M - 1, over all orders in which M modalities may
/// join:
///
///     |S|! (M - |S| - 1)! / M!  =  1 / (M binomial(M - 1, |S|))
[[nodiscard]] inline std::vector<double> shapley_weights(std::size_t num_modalities) {
  std::vector<double> weights(num_modalities);
  double binomial = 1.0;
  for (std::size_t size = 0; size < num_modalities; ++size) {
    weights[size] = 1.0 / (static_cast<double>(num_modalities) * binomial);
    binomial *= static_cast<double>(num_modalities - 1 - size) / static_cast<double>(size + 1);
  }
  return weights;
}

}  // namespace g2d
