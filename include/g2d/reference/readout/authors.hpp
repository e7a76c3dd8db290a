// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <string>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concat.hpp>
#include <g2d/reference/fusion/film.hpp>
#include <g2d/reference/fusion/gated.hpp>
#include <g2d/reference/fusion/late.hpp>
#include <g2d/reference/fusion/sum.hpp>
#include <g2d/reference/readout/exact_split.hpp>
#include <g2d/reference/readout/own_heads.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::readout {

/// What the authors' code takes for the output of one modality, 2 there being M here:
///
///     Late    W_m h_m + b_m
///     Sum     W_m h_m + b_m / M
///     Concat  W[:, columns of m] h_m + b / M
///     Film    W (gamma(h_m) * h_m + beta(h_m)) + b / M: every modality conditions itself, so all widths are one
///     Gated   W (P_m h_m + p_m) + b / M
///     others  their own_logits
[[nodiscard]] inline PerModality authors(const fusion::Late& fusion, const PerModality& features) {
  return own_heads(fusion.heads, features);
}

[[nodiscard]] inline PerModality authors(const fusion::Sum& fusion, const PerModality& features) {
  fusion.check(features);
  PerModality logits;
  for (std::size_t m = 0; m < features.size(); ++m) {
    const Linear head{fusion.heads[m].weight, fusion.heads[m].bias / static_cast<double>(features.size())};
    logits.push_back(head.forward(features[m]));
  }
  return logits;
}

[[nodiscard]] inline PerModality authors(const fusion::Concat& fusion, const PerModality& features) {
  return exact_split(fusion, features);
}

[[nodiscard]] inline PerModality authors(const fusion::Film& fusion, const PerModality& features) {
  fusion.check(features);
  const Linear output{fusion.output.weight, fusion.output.bias / static_cast<double>(features.size())};
  PerModality logits;
  for (std::size_t m = 0; m < features.size(); ++m) {
    detail::check_shape(fusion.film.weight, 2 * features[m].cols(), features[m].cols(),
                        "readout::authors: modality " + std::to_string(m) + " conditions itself: film weight");
    logits.push_back(output.forward(fusion.modulated(features[m], features[m])));
  }
  return logits;
}

template <FusionPolicy Fusion>
[[nodiscard]] PerModality authors(const Fusion& fusion, const PerModality& features)
  requires requires { fusion.own_logits(features); }
{
  return fusion.own_logits(features);
}

[[nodiscard]] inline PerModality authors(const fusion::Gated& fusion, const PerModality& features) {
  const Linear output{fusion.output.weight, fusion.output.bias / static_cast<double>(features.size())};
  PerModality logits;
  for (const Matrix& projected : fusion.project(features)) logits.push_back(output.forward(projected));
  return logits;
}

}  // namespace g2d::reference::readout
