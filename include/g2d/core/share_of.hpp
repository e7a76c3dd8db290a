// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace g2d {

/// share * count, and the whole number itself where rounding alone makes a difference: 0.55 of 100 is 55, not
/// 55.00000000000001. To be rounded up or down by the caller.
[[nodiscard]] inline double share_of(double share, std::int64_t count) {
  const double product = share * static_cast<double>(count);
  const double whole = std::round(product);
  return std::abs(product - whole) <= 1e-9 * std::max(1.0, std::abs(whole)) ? whole : product;
}

}  // namespace g2d
