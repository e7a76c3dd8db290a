// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>

#include <g2d/core/per_modality.hpp>

namespace g2d::fusion::detail {

/// sum_m parts[m].
[[nodiscard]] inline at::Tensor sum(ModalitySpan<at::Tensor> parts) {
  at::Tensor total = parts[0];
  for (std::size_t m = 1; m < parts.size(); ++m) total = total.add(parts[m]);
  return total;
}

/// The mean of the features of all modalities but one.
[[nodiscard]] inline at::Tensor mean_without(ModalitySpan<at::Tensor> features, std::size_t left_out) {
  at::Tensor total;
  for (std::size_t m = 0; m < features.size(); ++m) {
    if (m != left_out) total = total.defined() ? total.add(features[m]) : features[m];
  }
  return features.size() > 2 ? total.div(static_cast<double>(features.size() - 1)) : total;
}

[[nodiscard]] inline PerModality<at::Tensor> copy(ModalitySpan<at::Tensor> features) {
  return {features.begin(), features.end()};
}

}  // namespace g2d::fusion::detail
