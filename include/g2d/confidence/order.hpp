// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>

#include <g2d/core/per_modality.hpp>

namespace g2d::confidence {

/// The modalities from weak to strong: ascending confidence, equal ones in declared order.
[[nodiscard]] inline PerModality<std::size_t> weak_to_strong(ModalitySpan<double> confidence) {
  PerModality<std::size_t> order(confidence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return confidence[a] < confidence[b]; });
  return order;
}

}  // namespace g2d::confidence
