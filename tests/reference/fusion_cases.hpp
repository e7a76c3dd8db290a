// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <numeric>
#include <string>
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

  std::vector<FusionCase> cases{
      {"sum", widths, {fusion::Sum{heads}}},
      {"late", widths, {fusion::Late{heads}}},
      {"concat", widths, {fusion::Concat{widths, random.linear(joined, num_outputs)}}},
  };
  if (num_modalities < 2) return cases;
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

}  // namespace g2d_test
