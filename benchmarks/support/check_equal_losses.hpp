// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

/// Refuses to compare the times of two that do not compute the same.
inline void check_equal_losses(const std::string& what, double a, double b, double tolerance = 1e-4) {
  const double difference = std::abs(a - b) / std::max(std::abs(a), std::abs(b));
  if (!(difference < tolerance)) {
    throw std::runtime_error(
        fmt::format("{}: the losses {:.7g} and {:.7g} differ by {:.1e} of the larger", what, a, b, difference));
  }
}

/// One way of taking a step. Each call takes the next one and gives back its loss.
struct LossOfStep {
  std::string name;
  std::function<double()> next;
};

/// Two steps of each, from the same weights, batch and teachers' outputs: the first compares the losses, the second
/// what the updates made of the weights. Later ones carry the rounding of all before. Float32 sums in another order
/// come within the tolerance.
inline void check_equal_losses(const std::string& what, const std::vector<LossOfStep>& sides, double tolerance = 1e-4) {
  for (const auto* which : {"first", "second"}) {
    const double expected = sides[0].next();
    for (std::size_t i = 1; i < sides.size(); ++i) {
      check_equal_losses(fmt::format("{}, {} step of {} and {}", what, which, sides[0].name, sides[i].name), expected,
                         sides[i].next(), tolerance);
    }
  }
}
