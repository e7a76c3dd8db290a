// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <numeric>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::confidence {

/// The modalities from weak to strong: ascending confidence, equal ones in declared order.
///
/// Errors     ConfigError for NaN, which has no place in an order; `check` names the modality.
[[nodiscard]] inline PerModality<std::size_t> weak_to_strong(ModalitySpan<double> confidence) {
  for (std::size_t m = 0; m < confidence.size(); ++m) {
    if (std::isnan(confidence[m])) {
      throw ConfigError(fmt::format("g2d: confidence::weak_to_strong: modality {} of {}: expected a number, got nan",
                                    m + 1, confidence.size()));
    }
  }
  PerModality<std::size_t> order(confidence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return confidence[a] < confidence[b]; });
  return order;
}

}  // namespace g2d::confidence
