// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::transform::detail {

/// Linear up to 1 kHz, logarithmic above.
class SlaneyScale {
 public:
  [[nodiscard]] static double mel(double hertz) {
    return hertz < first_log_hertz ? hertz / hertz_a_mel
                                   : first_log_mel + std::log(hertz / first_log_hertz) / log_step();
  }
  [[nodiscard]] static double hertz(double mel) {
    return mel < first_log_mel ? hertz_a_mel * mel : first_log_hertz * std::exp(log_step() * (mel - first_log_mel));
  }

 private:
  static constexpr double hertz_a_mel = 200.0 / 3;
  static constexpr double first_log_hertz = 1000;
  static constexpr double first_log_mel = first_log_hertz / hertz_a_mel;
  [[nodiscard]] static double log_step() { return std::log(6.4) / 27; }
};

/// Triangles of area 1 (in Hz), equally spaced and overlapping by half in mel. Shape: double [bands, n_fft / 2 + 1].
inline at::Tensor slaney_mel_filters(double sample_rate, std::int64_t n_fft, std::int64_t bands, double f_min,
                                     double f_max) {
  std::vector<double> edges;
  const auto lowest = SlaneyScale::mel(f_min);
  const auto step = (SlaneyScale::mel(f_max) - lowest) / static_cast<double>(bands + 1);
  for (std::int64_t edge = 0; edge < bands + 2; ++edge) {
    edges.push_back(SlaneyScale::hertz(lowest + step * static_cast<double>(edge)));
  }

  auto filters = at::zeros({bands, n_fft / 2 + 1}, at::kDouble);
  auto weights = filters.accessor<double, 2>();
  for (std::int64_t band = 0; band < bands; ++band) {
    const auto left = edges[static_cast<std::size_t>(band)];
    const auto centre = edges[static_cast<std::size_t>(band) + 1];
    const auto right = edges[static_cast<std::size_t>(band) + 2];
    bool is_empty = true;
    for (std::int64_t bin = 0; bin < weights.size(1); ++bin) {
      const auto frequency = static_cast<double>(bin) * sample_rate / static_cast<double>(n_fft);
      const auto height = std::min((frequency - left) / (centre - left), (right - frequency) / (right - centre));
      weights[band][bin] = std::max(0.0, height) * 2 / (right - left);
      is_empty = is_empty && height <= 0;
    }
    if (is_empty) {
      throw ConfigError(
          fmt::format("g2d: transform::MelSpectrogram: expected a frequency of the transform in every band, got none "
                      "in band {} of {} "
                      "({:.1f} to {:.1f} Hz, spacing {:.1f} Hz); take fewer bands or a larger n_fft",
                      band, bands, left, right, sample_rate / static_cast<double>(n_fft)));
    }
  }
  return filters;
}

}  // namespace g2d::transform::detail
