// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::readout {

/// What the fusion says when the features of all other modalities are zero: M matrices [B, C]. Works with every fusion.
template <FusionPolicy Fusion>
[[nodiscard]] PerModality masked_forward(const Fusion& fusion, const PerModality& features) {
  PerModality logits;
  for (std::size_t kept = 0; kept < features.size(); ++kept) {
    PerModality masked = features;
    for (std::size_t m = 0; m < masked.size(); ++m) {
      if (m != kept) masked[m].setZero();
    }
    logits.push_back(fusion.forward(masked).logits);
  }
  return logits;
}

}  // namespace g2d::reference::readout
