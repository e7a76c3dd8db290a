// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string>
#include <utility>

namespace g2d::check {

/// The element in which two computations of the same numbers differ most.
struct Report {
  std::string where;  ///< "gradient of variable 1 at [3, 0]".
  double got = 0.0;
  double expected = 0.0;
  double error = 0.0;  ///< |got - expected| / max(1, |expected|); infinite when only one of them is a number.
  double tolerance = 0.0;

  [[nodiscard]] bool passed() const { return error <= tolerance; }

  /// One line for a log or a test: what was compared, both numbers, the error and what was allowed.
  [[nodiscard]] std::string message() const {
    return fmt::format("{}: expected {:.17g}, got {:.17g}: error {:.3g}, allowed {:.3g}", where, expected, got, error,
                       tolerance);
  }
};

/// The one with the greater error.
[[nodiscard]] inline Report worse(Report a, Report b) { return b.error > a.error ? std::move(b) : std::move(a); }

}  // namespace g2d::check
