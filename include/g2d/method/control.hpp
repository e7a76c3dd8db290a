// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/suppression/parameter_filter.hpp>

namespace g2d::method {

/// What is done to one modality in a step.
struct Control {
  bool frozen = false;       ///< Skip the encoder's backward pass and its update.
  bool head_frozen = false;  ///< Skip the update of its part of the fusion and readout.
  bool may_freeze = false;   ///< Some batches of the epoch freeze it, norm statistics included; for the plan alone.
  bool skipped = false;      ///< Frozen and not even run: its features are zeros, for losses that do not look at them.
  at::Tensor gradient_scale = {};         ///< 0-dim, host or device; undefined: 1.
  suppression::ParameterFilter filter{};  ///< What gradient_scale touches.
  suppression::NormStatistics norm_statistics = suppression::NormStatistics::Tracked;
  /// Of the encoder and its part of the fusion; where it is planned, not batch by batch.
  double learning_rate_factor = 1.0;
  std::shared_ptr<void> guard = {};  ///< Ends with the step, by an error too: puts back what a method changed for it.

  /// Frozen if either is; scales and factors multiply.
  ///
  /// Errors     ConfigError for two scales of different parameters: there is no product of them.
  void combine(const Control& other) {
    frozen = frozen || other.frozen;
    head_frozen = head_frozen || other.head_frozen;
    may_freeze = may_freeze || other.may_freeze;
    skipped = skipped || other.skipped;
    learning_rate_factor *= other.learning_rate_factor;
    if (other.gradient_scale.defined()) {
      if (gradient_scale.defined() && filter != other.filter) {
        throw ConfigError(
            "g2d: method::Control: expected one filter of all policies that scale a modality's gradients, got two; "
            "give "
            "them the same");
      }
      gradient_scale = gradient_scale.defined() ? gradient_scale.mul(other.gradient_scale) : other.gradient_scale;
      filter = other.filter;
    }
    if (other.guard)
      guard = std::make_shared<std::pair<std::shared_ptr<void>, std::shared_ptr<void>>>(guard, other.guard);
    if (other.norm_statistics != suppression::NormStatistics::Tracked) norm_statistics = other.norm_statistics;
  }
};

using Controls = PerModality<Control>;

}  // namespace g2d::method
