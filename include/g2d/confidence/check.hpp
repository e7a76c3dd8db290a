// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::confidence {

/// Whether a schedule or a suppression says that it reads the teachers' confidences: `static constexpr bool
/// needs_confidence = true`.
template <class Policy>
[[nodiscard]] constexpr bool is_needed_by() {
  if constexpr (requires { Policy::needs_confidence; }) {
    return Policy::needs_confidence;
  } else {
    return false;
  }
}

/// Errors     ConfigError unless there is one for each modality, and all are numbers: nothing can be ranked by NaN,
///            which is the mean over no samples. `remedy`: what to do when there is none.
inline void check(const ModalityNames& names, ModalitySpan<double> confidence, std::string_view where,
                  std::string_view remedy) {
  if (confidence.size() != names.size()) {
    throw ConfigError(fmt::format("g2d: {}: expected the teachers' confidence of {} modalities ({}), got {}; {}", where,
                                  names.size(), names.joined(), confidence.size(), remedy));
  }
  for (std::size_t m = 0; m < names.size(); ++m) {
    if (std::isnan(confidence[m])) {
      throw ConfigError(
          fmt::format("g2d: {}: modality \"{}\": expected its teacher's confidence to be a number, got nan; measure it "
                      "on samples that have the "
                      "modality",
                      where, names[m]));
    }
  }
}

/// Errors     DataError when a teacher's confidence in samples that it can judge is NaN.
inline void check_not_diverged(double confidence, std::string_view modality, std::string_view where) {
  if (!std::isnan(confidence)) return;
  throw DataError(fmt::format(
      "g2d: {}: modality \"{}\": expected a teacher whose outputs are numbers, got nan; it has diverged: train "
      "it again, with a smaller learning rate",
      where, modality));
}

}  // namespace g2d::confidence
