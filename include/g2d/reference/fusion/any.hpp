// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <variant>
#include <vector>

#include <g2d/reference/fusion/boosted.hpp>
#include <g2d/reference/fusion/concat.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/fusion/cosine.hpp>
#include <g2d/reference/fusion/cross_excitation.hpp>
#include <g2d/reference/fusion/energy_weighted.hpp>
#include <g2d/reference/fusion/film.hpp>
#include <g2d/reference/fusion/gated.hpp>
#include <g2d/reference/fusion/late.hpp>
#include <g2d/reference/fusion/shared_head.hpp>
#include <g2d/reference/fusion/sum.hpp>

namespace g2d::reference::fusion {

/// Any fusion of this folder, chosen at run time.
struct Any {
  std::variant<Sum, Concat, Film, Gated, Late, Cosine, SharedHead, EnergyWeighted, Boosted, CrossExcitation> choice;

  [[nodiscard]] Output forward(const PerModality& features) const {
    return std::visit([&](const auto& fusion) { return fusion.forward(features); }, choice);
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    return std::visit([&](const auto& fusion) { return fusion.backward(features, output_gradient); }, choice);
  }

  [[nodiscard]] std::vector<Linear*> layers() {
    return std::visit([](auto& fusion) { return fusion.layers(); }, choice);
  }
};

static_assert(FusionPolicy<Any>);

}  // namespace g2d::reference::fusion
