// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <g2d/core/error.hpp>
#include <g2d/suppression/concept.hpp>

namespace g2d::suppression {

struct PartialOptions {
  double strength = 1.0;  ///< alpha >= 0.
  NormStatistics norm_statistics = NormStatistics::Tracked;
  ParameterFilter filter = {};
};

/// Partial suppression: the surer a suppressed modality is, the smaller its gradients.
///
///     kappa_m = 1 - tanh(alpha r_m) if r_m > 1, else 1,   r_m = rho_m / mean_{j != m} rho_j
///
/// Use when   the paper's ablation is to be repeated. Under Adam a constant factor nearly cancels.
/// Shapes     in: bool [M], r [M]; out: kappa [M] in (0, 1].
/// Cost       a full step; nothing is saved.
/// Errors     ConfigError for a negative strength; at `Prioritization::begin` without the teachers' confidences, or for
///            a filter that admits nothing of a modality.
/// Source     arXiv:2506.21514, partial suppression; OGM (arXiv:2203.15332).
/// Deviates   the mean over the others is ours for M > 2.
/// Reference  g2d/reference/schedule/kappa.hpp
class Partial {
 public:
  static constexpr bool freezes = false;
  static constexpr bool needs_confidence = true;

  explicit Partial(PartialOptions options = {}) : options_(options) {
    if (!(options_.strength >= 0.0)) {
      throw ConfigError(fmt::format("g2d: suppression::Partial: expected strength >= 0, got {}", options_.strength));
    }
  }

  [[nodiscard]] at::Tensor coefficients(const at::Tensor& suppressed, const at::Tensor& ratios) const {
    const auto damped = ratios.mul(options_.strength).tanh().neg().add(1.0);
    return at::where(suppressed.logical_and(ratios.gt(1.0)), damped, at::ones_like(ratios));
  }
  [[nodiscard]] NormStatistics norm_statistics() const { return options_.norm_statistics; }
  [[nodiscard]] ParameterFilter filter() const { return options_.filter; }

 private:
  PartialOptions options_;
};

static_assert(SuppressionPolicy<Partial>);

}  // namespace g2d::suppression
