// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <numeric>
#include <string>
#include <variant>
#include <vector>

#include <g2d/reference/fusion/any.hpp>

#include "random.hpp"

namespace g2d_test {

struct FusionCase {
  std::string name;
  std::vector<Eigen::Index> widths;
  g2d::reference::fusion::Any fusion;
};

/// Every fusion for M modalities with random layers, Film and Gated with each conditioning modality.
inline std::vector<FusionCase> fusion_cases(std::size_t num_modalities, Eigen::Index num_outputs, Random& random) {
  using namespace g2d::reference;
  std::vector<Eigen::Index> widths(num_modalities);
  std::iota(widths.begin(), widths.end(), Eigen::Index{2});
  std::vector<Linear> heads;
  std::vector<Linear> projections;
  for (const Eigen::Index width : widths) {
    heads.push_back(random.linear(width, num_outputs));
    projections.push_back(random.linear(width, 4));
  }
  const Eigen::Index joined = std::accumulate(widths.begin(), widths.end(), Eigen::Index{0});
  const std::vector<Eigen::Index> equal_widths(num_modalities, 3);
  const Linear shared = random.linear(3, num_outputs);
  std::vector<Linear> without_bias = heads;
  for (Linear& head : without_bias) head.bias.resize(0);

  std::vector<FusionCase> cases{
      {"sum", widths, {fusion::Sum{heads}}},
      {"late", widths, {fusion::Late{heads}}},
      {"concat", widths, {fusion::Concat{widths, random.linear(joined, num_outputs)}}},
      {"cosine", widths, {fusion::Cosine{without_bias, 3.0}}},
      {"shared head, entropy", equal_widths, {fusion::SharedHead{shared}}},
      {"shared head, mean", equal_widths, {fusion::SharedHead{shared, false}}},
      {"energy-weighted", widths, {fusion::EnergyWeighted{heads}}},
      {"boosted",
       equal_widths,
       {fusion::Boosted{random.linear(3, 6), random.linear(6, num_outputs), {random.matrix(1, 1), {}}}}},
  };
  if (num_modalities < 2) return cases;
  std::vector<Linear> excites;
  for (const Eigen::Index width : widths) excites.push_back(random.linear(5, width));
  cases.push_back({"cross-excitation", widths, {fusion::CrossExcitation{random.linear(joined, 5), excites, heads}}});
  for (std::size_t c = 0; c < num_modalities; ++c) {
    std::vector<Eigen::Index> film_widths(num_modalities, 3);
    film_widths[c] = 2;
    cases.push_back({"film, conditioning " + std::to_string(c),
                     film_widths,
                     {fusion::Film{random.linear(2, 6), random.linear(3, num_outputs), c}}});
    cases.push_back({"gated, conditioning " + std::to_string(c),
                     widths,
                     {fusion::Gated{projections, random.linear(4, num_outputs), c}}});
  }
  return cases;
}

/// The forward pass, with what the fusion takes for constant held as it is now: the gradient of the fusion is that of
/// the result. `fusion` is referred to, so that its layers can be moved.
inline std::function<g2d::reference::fusion::Output(const g2d::reference::PerModality&)> with_constants_held(
    const g2d::reference::fusion::Any& fusion, const g2d::reference::PerModality& features) {
  using namespace g2d::reference;
  if (const auto* weighted = std::get_if<fusion::EnergyWeighted>(&fusion.choice)) {
    return [weighted, held = weighted->confidences(features)](const PerModality& moved) {
      return weighted->weighed(moved, held);
    };
  }
  return [&fusion](const PerModality& moved) { return fusion.forward(moved); };
}

}  // namespace g2d_test
