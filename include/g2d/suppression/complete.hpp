// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/error.hpp>
#include <g2d/suppression/concept.hpp>

namespace g2d::suppression {

struct CompleteOptions {
  NormStatistics norm_statistics = NormStatistics::Frozen;  ///< Frozen or Batch.
};

/// True freeze, the paper's kappa = 0: parameters, momentum, Adam's moments and norm buffers of a suppressed encoder
/// stay bit-identical; no backward pass and no optimizer work is spent on it, and its dropout is off.
///
///     theta_m <- theta_m - eta kappa_m dL/dtheta_m,   kappa_m = 0
///
/// Use when   in doubt. Whatever `requires_grad` the user gave a parameter is kept.
/// Shapes     in: bool [M]; out: 0 or 1 [M].
/// Cost       negative: a suppressed encoder costs one forward pass without a graph.
/// Errors     ConfigError for NormStatistics::Tracked, which would move buffers.
/// Source     arXiv:2506.21514, complete suppression.
/// Deviates   the authors' code zeroes gradients instead: see ZeroedGradients.
class Complete {
 public:
  static constexpr bool freezes = true;

  explicit Complete(CompleteOptions options = {}) : options_(options) {
    if (options_.norm_statistics == NormStatistics::Tracked) {
      throw ConfigError(
          "g2d: suppression::Complete: expected norm statistics Frozen or Batch, got Tracked, which moves buffers; "
          "ZeroedGradients takes it");
    }
  }

  [[nodiscard]] at::Tensor coefficients(const at::Tensor& suppressed, const at::Tensor& ratios) const {
    return suppressed.logical_not().to(ratios.scalar_type());
  }
  [[nodiscard]] NormStatistics norm_statistics() const { return options_.norm_statistics; }
  [[nodiscard]] ParameterFilter filter() const { return {}; }

 private:
  CompleteOptions options_;
};

static_assert(SuppressionPolicy<Complete>);

}  // namespace g2d::suppression
