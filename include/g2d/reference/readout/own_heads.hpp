// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/linear.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::readout {

/// Every modality has a head of its own, beside the fusion or as part of it: W_m h_m + b_m, M matrices [B, C].
[[nodiscard]] inline PerModality own_heads(const std::vector<Linear>& heads, const PerModality& features) {
  std::vector<Eigen::Index> widths;
  for (const Linear& head : heads) widths.push_back(head.weight.cols());
  detail::check_features(features, widths, 1, "readout::own_heads");
  PerModality logits;
  for (std::size_t m = 0; m < features.size(); ++m) logits.push_back(heads[m].forward(features[m]));
  return logits;
}

}  // namespace g2d::reference::readout
