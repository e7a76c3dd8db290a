// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace g2d::reference::schedule {

/// The authors' code: in each batch the modality with the most confident teacher is suppressed altogether, kappa = 0,
/// and all others learn, kappa = 1. A tie for the first place suppresses nothing.
[[nodiscard]] inline std::vector<double> batchwise(const std::vector<double>& batch_confidences) {
  std::vector<double> kappa(batch_confidences.size(), 1.0);
  const double largest = *std::max_element(batch_confidences.begin(), batch_confidences.end());
  if (std::count(batch_confidences.begin(), batch_confidences.end(), largest) == 1) {
    for (std::size_t m = 0; m < kappa.size(); ++m) {
      if (batch_confidences[m] == largest) kappa[m] = 0.0;
    }
  }
  return kappa;
}

}  // namespace g2d::reference::schedule
