// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>

#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/suppression/parameter_filter.hpp>

/// Suppression: how strongly a modality is held back while it is not its turn. Schedules say when.
///
/// | policy | a suppressed modality | use when |
/// |---|---|---|
/// | `Complete`        | is frozen: nothing of it moves, nothing is spent on it | the paper's kappa = 0; the default |
/// | `ZeroedGradients` | has gradients set to 0 after a full backward pass | authors' code, with `official_filter()` |
/// | `Partial`         | has its gradients multiplied by 1 - tanh(alpha r) if it is the surer one | an ablation |
///
/// A policy is a plain class:
///
///     struct Mine {
///       static constexpr bool freezes = false;                        // true: skip the encoder altogether
///       at::Tensor coefficients(const at::Tensor& suppressed,         // kappa [M] from bool [M] and r_m [M], on their
///                               device const at::Tensor& ratios) const;
///       g2d::suppression::NormStatistics norm_statistics() const;
///       g2d::suppression::ParameterFilter filter() const;
///       static constexpr bool needs_confidence = true;                // optional: `ratios` are read. Without, they
///       are all 1
///     };                                                              // where there are no teachers
namespace g2d::suppression {

namespace detail {

template <class Suppression>
concept GivesCoefficients =
    requires(const Suppression& suppression, const at::Tensor& suppressed, const at::Tensor& r) {
      { suppression.coefficients(suppressed, r) } -> std::same_as<at::Tensor>;
    };

template <class Suppression>
concept SaysWhetherItFreezes = requires {
  { Suppression::freezes } -> std::convertible_to<bool>;
};

template <class Suppression>
concept SaysWhatItTouches = requires(const Suppression& suppression) {
  { suppression.norm_statistics() } -> std::same_as<NormStatistics>;
  { suppression.filter() } -> std::same_as<ParameterFilter>;
};

}  // namespace detail

template <class Suppression>
concept SuppressionPolicy = detail::GivesCoefficients<Suppression> && detail::SaysWhetherItFreezes<Suppression> &&
                            detail::SaysWhatItTouches<Suppression>;

}  // namespace g2d::suppression
