// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

/// Two pieces of work timed in turn, A B A B ..., in one process: what disturbs one disturbs the other.
struct PairedTiming {
  double median_a = 0.0;  ///< Seconds.
  double median_b = 0.0;
  double ratio = 0.0;      ///< The median of the ratios a / b, pair by pair.
  double ratio_low = 0.0;  ///< Their quartiles: how noisy the machine was.
  double ratio_high = 0.0;
};

[[nodiscard]] inline double quantile(std::vector<double> values, double share) {
  std::sort(values.begin(), values.end());
  const double position = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const auto above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

template <class Work>
[[nodiscard]] double seconds_of(Work&& work, std::int64_t calls) {
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t i = 0; i < calls; ++i) work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count() / static_cast<double>(calls);
}

/// Of samples that were timed in turn.
[[nodiscard]] inline PairedTiming paired_timing(const std::vector<double>& as, const std::vector<double>& bs) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < as.size(); ++i) ratios.push_back(as[i] / bs[i]);
  return {quantile(as, 0.5), quantile(bs, 0.5), quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)};
}

/// `calls` calls of each a sample, so that short work is not timed singly; who goes first alternates. Long work needs
/// no warm-up.
template <class A, class B>
[[nodiscard]] PairedTiming time_pairs(A&& a, B&& b, std::int64_t pairs, std::int64_t calls = 1, bool warm_up = true) {
  if (warm_up) {
    (void)seconds_of(a, calls);
    (void)seconds_of(b, calls);
  }
  std::vector<double> as, bs;
  for (std::int64_t i = 0; i < pairs; ++i) {
    if (i % 2 == 0) as.push_back(seconds_of(a, calls));
    bs.push_back(seconds_of(b, calls));
    if (i % 2 != 0) as.push_back(seconds_of(a, calls));
  }
  return paired_timing(as, bs);
}
