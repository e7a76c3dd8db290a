// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/torch.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <g2d/fusion/concept.hpp>
#include <g2d/readout/concept.hpp>

#include "support/policy_lists.hpp"
#include "support/random_case.hpp"

namespace g2d_test {

inline constexpr std::size_t most_modalities = 5;

template <class Fusion>
inline constexpr bool has_conditioning = requires(const Fusion& fusion) { fusion.conditioning(); };

/// EnergyWeighted holds its confidences constant: finite differences of its output see more than its gradient.
template <class Fusion>
inline constexpr bool has_full_gradient = !std::is_same_v<Fusion, fusion::EnergyWeighted>;

/// Whether each part of the exact split is a function of its own modality: these two weigh by what the others say.
template <class Fusion>
inline constexpr bool has_independent_parts =
    g2d::fusion::SplitsByModality<Fusion> && !std::is_same_v<Fusion, fusion::SharedHead> &&
    !std::is_same_v<Fusion, fusion::CrossExcitation>;

/// Energy and entropy compare classes.
template <class Fusion>
inline constexpr std::int64_t fewest_outputs =
    std::is_same_v<Fusion, fusion::EnergyWeighted> || std::is_same_v<Fusion, fusion::SharedHead> ? 2 : 1;

template <class Fusion>
Fusion make_fusion(g2d::FusionShape shape, std::size_t conditioning) {
  if constexpr (has_conditioning<Fusion>) {
    auto name = shape.names()[conditioning];
    return Fusion(std::move(shape), {.conditioning = std::move(name)});
  } else if constexpr (std::is_same_v<Fusion, fusion::Boosted>) {
    return Fusion(std::move(shape), {.hidden_width = 5});
  } else {
    return Fusion(std::move(shape));
  }
}

/// Random widths, one for all modalities where the fusion needs that; Film wants one width of all that are conditioned,
/// and of all modalities for the authors' readout.
template <class Fusion>
std::vector<std::int64_t> random_widths(Random& random, std::size_t num_modalities, std::size_t conditioning) {
  auto widths = random.integers(num_modalities, 1, 7);
  if constexpr (g2d::fusion::needs_equal_widths_v<Fusion>) widths.assign(num_modalities, widths[0]);
  if constexpr (std::is_same_v<Fusion, fusion::Film>) {
    const bool equal = conditioning == 0;
    const auto own = widths[conditioning];
    widths.assign(num_modalities, own + 1);
    if (!equal) widths[conditioning] = own;
  }
  return widths;
}

/// Calls visit(fusion, features, description) for every fusion with M = 1 ... 5 modalities of random shapes, Film and
/// Gated with every conditioning modality.
template <class Visitor>
void for_each_fusion(const at::TensorOptions& options, Visitor&& visit) {
  for_each(Fusions(), [&]<class Fusion>(std::type_identity<Fusion>) {
    for (std::size_t modalities = g2d::fusion::min_modalities_v<Fusion>; modalities <= most_modalities; ++modalities) {
      for (std::size_t conditioning = 0; conditioning < (has_conditioning<Fusion> ? modalities : 1); ++conditioning) {
        const auto seed = 100 * modalities + conditioning;
        Random random(seed, options);
        torch::manual_seed(seed);
        const auto widths = random_widths<Fusion>(random, modalities, conditioning);
        const auto num_outputs = random.integer(fewest_outputs<Fusion>, 6);
        const auto made = make_fusion<Fusion>(g2d::FusionShape(names(modalities), widths, num_outputs), conditioning);
        move(made.parameters(), options);
        const auto features = random.matrices(random.integer(1, 6), widths);
        visit(made, features,
              fmt::format("{} on {}: {} modalities of widths [{}], conditioning {}, {} outputs, seed {}",
                          c10::demangle_type<Fusion>(), options.device().str(), modalities, fmt::join(widths, ", "),
                          conditioning, num_outputs, seed));
      }
    }
  });
}

template <class Fusion>
bool has_equal_widths(const Fusion& fusion) {
  for (const auto width : fusion.shape().feature_widths()) {
    if (width != fusion.shape().feature_width(0)) return false;
  }
  return true;
}

/// Calls visit(readout) for every readout that the fusion can have.
template <class Fusion, class Visitor>
void for_each_readout(const Fusion& fusion, const at::TensorOptions& options, Visitor&& visit) {
  for_each(Readouts(), [&]<class Readout>(std::type_identity<Readout>) {
    if constexpr (std::is_same_v<Readout, readout::ExactSplit>) {
      if constexpr (g2d::fusion::SplitsByModality<Fusion>) visit(Readout());
    } else if constexpr (std::is_same_v<Readout, readout::Authors>) {
      if (!std::is_same_v<Fusion, fusion::Film> || has_equal_widths(fusion)) visit(Readout());
    } else if constexpr (std::is_same_v<Readout, readout::OwnHeads>) {
      const Readout heads(fusion.shape());
      move(heads.parameters(), options);
      visit(heads);
    } else {
      visit(Readout());
    }
  });
}

/// Every distillation formula with settings that differ, as visit(formula, description).
template <class Visitor>
void for_each_distillation(Visitor&& visit) {
  for_each(Distillations(), [&]<class Distillation>(std::type_identity<Distillation>) {
    const auto name = c10::demangle_type<Distillation>();
    if constexpr (std::is_constructible_v<Distillation, g2d::distillation::KlOptions>) {
      for (const double temperature : {0.5, 1.0, 4.0}) {
        visit(Distillation({.temperature = temperature}), fmt::format("{}, temperature {}", name, temperature));
      }
    } else if constexpr (std::is_same_v<Distillation, distillation::Mse>) {
      visit(distillation::Mse(), fmt::format("{}, mean", name));
      visit(distillation::Mse({.squared_norm = true}), fmt::format("{}, squared norm", name));
    } else {
      visit(Distillation(), std::string(name));
    }
  });
}

}  // namespace g2d_test
