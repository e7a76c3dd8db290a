// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

#include <g2d/core/parameter.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/fusion/fusion_shape.hpp>

/// Fusions: M feature matrices [B, D_m] become one output [B, C].
///
/// | policy | output | use when |
/// |---|---|---|
/// | `Late`   | mean of the modalities' own heads | the default inside G2D: the paper's best |
/// | `Sum`    | sum of the modalities' own heads | every modality may add evidence freely |
/// | `Concat` | one head on the joined features | the most common baseline |
/// | `FiLM`   | one modality scales and shifts the others | one modality sets the context of the others |
/// | `Gated`  | one modality gates the others | one modality decides what of the others counts |
/// | `Cosine` | sum of the modalities' cosines to the classes | one wins by the norm of its features (MMCosine) |
/// | `SharedHead` | one head for all, weighed by certainty | the modalities are trained in turns (MLA) |
/// | `EnergyWeighted` | own heads, weighed by confidence | a modality's quality differs from sample to sample (QMF) |
/// | `Boosted` | a learned scale times the sum of one head on all | modalities boost each other (ReconBoost) |
/// | `CrossExcitation` | mean of own heads on features gated by all | their exchange is controlled (Greedy) |
///
/// A fusion is a plain class; it holds tensors and needs no base class:
///
///     struct Mine {
///       explicit Mine(g2d::FusionShape shape);
///       g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const;   // logits, and the features it
///       hands on
///       g2d::Parameters parameters() const;                                          // named; the student registers
///       them const g2d::FusionShape& shape() const;
///     };
///
/// Optional members, each found by a concept below:
/// - `split_logits(features)`: M parts [B, C] that add up to `logits`. `readout::ExactSplit` needs it.
/// - `authors_logits(features)`: the authors' formula for a modality alone. `readout::Authors` needs it.
/// - `static constexpr bool averages_heads = true`: the output is a mean of `authors_logits`, weighted or not, so that
///   the parts that add up to it are smaller than what a modality says alone. `readout::Auto` takes `authors_logits`.
/// - `handed_on_width(m)`: the width of features[m] in its output, where it is not the encoder's.
/// - `static constexpr std::size_t min_modalities`: fewer are refused at compile time where M is static.
/// - `static constexpr bool needs_equal_widths = true`: all features have one width; others are refused with
///   ConfigError.
namespace g2d::fusion {

/// What a fusion gives. `features` is what it hands on to feature distillation: most hand the encoders' features
/// through, `Gated` its projections, `CrossExcitation` its gated ones.
struct Output {
  at::Tensor logits;
  PerModality<at::Tensor> features;
};

namespace detail {

template <class Fusion>
concept FusesFeatures = requires(const Fusion& fusion, ModalitySpan<at::Tensor> features) {
  { fusion.forward(features) } -> std::same_as<Output>;
};

template <class Fusion>
concept NamesItsParameters = requires(const Fusion& fusion) {
  { fusion.parameters() } -> std::same_as<Parameters>;
};

template <class Fusion>
concept KnowsItsShape = requires(const Fusion& fusion) {
  { fusion.shape() } -> std::convertible_to<const FusionShape&>;
};

}  // namespace detail

template <class Fusion>
concept FusionPolicy =
    detail::FusesFeatures<Fusion> && detail::NamesItsParameters<Fusion> && detail::KnowsItsShape<Fusion>;

/// The output is a sum of one part for each modality.
template <class Fusion>
concept SplitsByModality = requires(const Fusion& fusion, ModalitySpan<at::Tensor> features) {
  { fusion.split_logits(features) } -> std::same_as<PerModality<at::Tensor>>;
};

/// The authors' code has a formula for what one modality says alone.
template <class Fusion>
concept HasAuthorsReadout = requires(const Fusion& fusion, ModalitySpan<at::Tensor> features) {
  { fusion.authors_logits(features) } -> std::same_as<PerModality<at::Tensor>>;
};

/// The fewest modalities that a fusion can join: its `min_modalities`, else 1.
template <class Fusion>
inline constexpr std::size_t min_modalities_v = [] {
  if constexpr (requires { Fusion::min_modalities; }) {
    return static_cast<std::size_t>(Fusion::min_modalities);
  } else {
    return std::size_t{1};
  }
}();

/// Whether a fusion joins features of one width only: its `needs_equal_widths`, else false.
template <class Fusion>
inline constexpr bool needs_equal_widths_v = [] {
  if constexpr (requires { Fusion::needs_equal_widths; }) {
    return static_cast<bool>(Fusion::needs_equal_widths);
  } else {
    return false;
  }
}();

/// The width of the features of modality m that the fusion hands on: its `handed_on_width(m)`, else the encoder's.
template <FusionPolicy Fusion>
[[nodiscard]] std::int64_t handed_on_width(const Fusion& fusion, std::size_t m) {
  if constexpr (requires { fusion.handed_on_width(m); }) {
    return fusion.handed_on_width(m);
  } else {
    return fusion.shape().feature_width(m);
  }
}

/// Whether this fusion has an exact split: known from the type, or asked of the fusion held.
template <FusionPolicy Fusion>
[[nodiscard]] bool splits(const Fusion& fusion) {
  if constexpr (requires { fusion.splits(); }) {
    return fusion.splits();
  } else {
    return SplitsByModality<Fusion>;
  }
}

/// Whether the output is a mean of `authors_logits`: known from the type, or asked of the fusion held.
template <FusionPolicy Fusion>
[[nodiscard]] bool averages_heads(const Fusion& fusion) {
  if constexpr (requires { fusion.averages_heads(); }) {
    return fusion.averages_heads();
  } else if constexpr (requires { Fusion::averages_heads; }) {
    return Fusion::averages_heads;
  } else {
    return false;
  }
}

}  // namespace g2d::fusion
