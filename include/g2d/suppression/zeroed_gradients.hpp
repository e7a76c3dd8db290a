// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/suppression/concept.hpp>

namespace g2d::suppression {

struct ZeroedGradientsOptions {
  NormStatistics norm_statistics = NormStatistics::Tracked;
  ParameterFilter filter = {};  ///< `official_filter()` as in the authors' code.
};

/// A full backward pass, then the gradients of a suppressed modality times 0: how the authors' code suppresses.
///
///     g_m <- kappa_m g_m,   kappa_m = 0 when suppressed, else 1
///
/// Use when   published runs are to be repeated. Momentum and weight decay still move the weights, tensors outside the
///            filter still learn, and the norm statistics still move.
/// Shapes     in: bool [M]; out: 0 or 1 [M].
/// Cost       a full step; nothing is saved.
/// Errors     ConfigError at `Prioritization::begin` for a filter that admits nothing of a modality.
/// Source     the authors' published code.
/// Deviates   the whole encoder by default; `official_filter()` for the code's convolutions.
class ZeroedGradients {
 public:
  static constexpr bool freezes = false;

  explicit ZeroedGradients(ZeroedGradientsOptions options = {}) : options_(options) {}

  [[nodiscard]] at::Tensor coefficients(const at::Tensor& suppressed, const at::Tensor& ratios) const {
    return suppressed.logical_not().to(ratios.scalar_type());
  }
  [[nodiscard]] NormStatistics norm_statistics() const { return options_.norm_statistics; }
  [[nodiscard]] ParameterFilter filter() const { return options_.filter; }

 private:
  ZeroedGradientsOptions options_;
};

static_assert(SuppressionPolicy<ZeroedGradients>);

}  // namespace g2d::suppression
