// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/per_modality.hpp>
#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/suppression/parameter_filter.hpp>

namespace g2d::method {

/// What is done to one modality in a step.
struct Control {
  bool frozen = false;         ///< Skip its backward pass and its update.
  at::Tensor gradient_scale;   ///< 0-dim, host or device; undefined: 1.
  suppression::ParameterFilter filter{};  ///< What gradient_scale touches.
  suppression::NormStatistics norm_statistics = suppression::NormStatistics::Tracked;

  /// Frozen if either is; scales multiply.
  void combine(const Control& other) {
    frozen = frozen || other.frozen;
    if (other.gradient_scale.defined()) {
      gradient_scale = gradient_scale.defined() ? gradient_scale.mul(other.gradient_scale) : other.gradient_scale;
      filter = other.filter;
    }
    if (other.norm_statistics != suppression::NormStatistics::Tracked) norm_statistics = other.norm_statistics;
  }
};

using Controls = PerModality<Control>;

}  // namespace g2d::method
