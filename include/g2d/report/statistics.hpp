// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::report {

[[nodiscard]] inline double mean(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// Unbiased (n - 1); NaN for fewer than two values.
[[nodiscard]] inline double standard_deviation(std::span<const double> values) {
  if (values.size() < 2) return std::numeric_limits<double>::quiet_NaN();
  const double center = mean(values);
  double squares = 0.0;
  for (const double value : values) squares += (value - center) * (value - center);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// The 97.5 % quantile of Student's t with that many degrees of freedom (a table; above 30, an expansion good to 1e-3).
[[nodiscard]] inline double t_quantile_975(std::size_t degrees_of_freedom) {
  static constexpr std::array<double, 30> table{12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
                                                2.201,  2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
                                                2.080,  2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  if (degrees_of_freedom == 0) return std::numeric_limits<double>::quiet_NaN();
  if (degrees_of_freedom <= table.size()) return table[degrees_of_freedom - 1];
  const double z = 1.959964;
  const double z3 = z * z * z;
  const auto n = static_cast<double>(degrees_of_freedom);
  return z + (z3 + z) / (4.0 * n) + (5.0 * z3 * z * z + 16.0 * z3 + 3.0 * z) / (96.0 * n * n);
}

/// A mean and the half width of its 95 % t-interval; the half width is NaN for one value.
struct Interval {
  double mean = 0.0;
  double half_width = 0.0;
};

/// Of the differences a_i - b_i of runs that share a seed.
///
/// Errors     ConfigError when the two do not have the same number of values, or none.
[[nodiscard]] inline Interval paired_difference(std::span<const double> a, std::span<const double> b) {
  if (a.size() != b.size() || a.empty()) {
    throw ConfigError(fmt::format(
        "g2d: report::paired_difference: expected two lists of one length >= 1, got {} and {}", a.size(), b.size()));
  }
  std::vector<double> differences(a.size());
  for (std::size_t i = 0; i < a.size(); ++i) differences[i] = a[i] - b[i];
  return {mean(differences),
          t_quantile_975(a.size() - 1) * standard_deviation(differences) / std::sqrt(static_cast<double>(a.size()))};
}

}  // namespace g2d::report
