// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <g2d/reference/fusion/concat.hpp>
#include <g2d/reference/fusion/late.hpp>
#include <g2d/reference/fusion/sum.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::readout {

/// What each modality contributes to the logits: M parts [B, C] that add up to the whole.
///
///     Sum     W_m h_m + b_m
///     Late    (W_m h_m + b_m) / M
///     Concat  W[:, columns of m] h_m + b / M
///     others  their parts
///
/// Film and Gated multiply modalities with each other and have no such split.
[[nodiscard]] inline PerModality exact_split(const fusion::Sum& fusion, const PerModality& features) {
  fusion.check(features);
  PerModality parts;
  for (std::size_t m = 0; m < features.size(); ++m) parts.push_back(fusion.heads[m].forward(features[m]));
  return parts;
}

[[nodiscard]] inline PerModality exact_split(const fusion::Late& fusion, const PerModality& features) {
  fusion.check(features);
  PerModality parts;
  for (std::size_t m = 0; m < features.size(); ++m) {
    parts.push_back(fusion.heads[m].forward(features[m]) / static_cast<double>(features.size()));
  }
  return parts;
}

[[nodiscard]] inline PerModality exact_split(const fusion::Concat& fusion, const PerModality& features) {
  fusion.check(features);
  PerModality parts;
  for (std::size_t m = 0; m < features.size(); ++m) {
    const Linear part{fusion.head.weight.middleCols(fusion.first_column(m), fusion.widths[m]),
                      fusion.head.bias / static_cast<double>(features.size())};
    parts.push_back(part.forward(features[m]));
  }
  return parts;
}

template <FusionPolicy Fusion>
[[nodiscard]] PerModality exact_split(const Fusion& fusion, const PerModality& features)
  requires requires { fusion.parts(features); }
{
  return fusion.parts(features);
}

}  // namespace g2d::reference::readout
