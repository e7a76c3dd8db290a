// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/suppression/concept.hpp>

namespace g2d::suppression {

struct ZeroedGradientsOptions {
  NormStatistics norm_statistics = NormStatistics::Tracked;
  ParameterFilter filter{.convolutions_only = true, .with_head = false};
};

/// The authors' code: a full backward pass, then the gradients of a suppressed modality times 0.
///
///     g_m <- kappa_m g_m,   kappa_m = 0 when suppressed, else 1
///
/// Use when   published runs are to be repeated. Momentum and weight decay still move the weights, tensors outside the
///            filter (norm weights) still learn, and the norm statistics still move.
/// Shapes     in: bool [M]; out: 0 or 1 [M].
/// Cost       a full step; nothing is saved.
/// Errors     none.
/// Source     the authors' published code.
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
