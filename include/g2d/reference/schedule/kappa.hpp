// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace g2d::reference::schedule {

/// Partial suppression: the factor of each modality's gradient, from how far its confidence is above the others':
///
///     r_m     = rho_m / mean_{j != m} rho_j
///     kappa_m = 1 - tanh(alpha r_m) if r_m > 1, else 1
///
/// A modality that is alone has nothing to compare with: kappa = 1.
///
/// Source     Peng et al. 2022, arXiv:2203.15332 (for M = 2); the paper's ablation against complete suppression.
[[nodiscard]] inline std::vector<double> kappa(const std::vector<double>& confidences, double strength) {
  std::vector<double> coefficients(confidences.size(), 1.0);
  for (std::size_t m = 0; m < confidences.size(); ++m) {
    double others = 0.0;
    for (std::size_t j = 0; j < confidences.size(); ++j) {
      if (j != m) others += confidences[j];
    }
    const double ratio = confidences[m] / (others / static_cast<double>(confidences.size() - 1));
    if (confidences.size() > 1 && ratio > 1.0) coefficients[m] = 1.0 - std::tanh(strength * ratio);
  }
  return coefficients;
}

}  // namespace g2d::reference::schedule
