// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <numeric>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::confidence {

namespace detail {

/// The modalities in the order of their confidence, equal ones as declared.
template <class Less>
[[nodiscard]] PerModality<std::size_t> ordered(ModalitySpan<double> confidence, const char* where, const Less& less) {
  for (std::size_t m = 0; m < confidence.size(); ++m) {
    if (std::isnan(confidence[m])) {
      throw ConfigError(fmt::format("g2d: confidence::{}: modality {} of {}: expected a number, got nan", where, m + 1,
                                    confidence.size()));
    }
  }
  PerModality<std::size_t> order(confidence.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return less(confidence[a], confidence[b]); });
  return order;
}

}  // namespace detail

/// The modalities from weak to strong: ascending confidence, equal ones in declared order.
///
/// Errors     ConfigError for NaN, which has no place in an order; `check` names the modality.
[[nodiscard]] inline PerModality<std::size_t> weak_to_strong(ModalitySpan<double> confidence) {
  return detail::ordered(confidence, "weak_to_strong", std::less<>());
}

/// From strong to weak; equal ones in declared order too. Errors: as `weak_to_strong`.
[[nodiscard]] inline PerModality<std::size_t> strong_to_weak(ModalitySpan<double> confidence) {
  return detail::ordered(confidence, "strong_to_weak", std::greater<>());
}

}  // namespace g2d::confidence
