// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <vector>

namespace g2d::reference::schedule {

/// The modalities from the least to the most confident teacher; equal ones stay in declared order.
[[nodiscard]] inline std::vector<std::size_t> weak_first(const std::vector<double>& confidences) {
  std::vector<std::size_t> order(confidences.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return confidences[a] < confidences[b]; });
  return order;
}

}  // namespace g2d::reference::schedule
