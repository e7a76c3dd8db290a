// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros_like.h>

#include <cstddef>
#include <utility>

#include <g2d/fusion/concept.hpp>
#include <g2d/readout/concept.hpp>

namespace g2d::readout {

/// The fusion with the features of all other modalities replaced by zero.
///
/// Use when   no exact split exists. The parts do not add up: what only the combination says is in none of them.
/// Shapes     features: M tensors [B, D_m]; out: M tensors [B, C].
/// Cost       M passes through the fusion; the encoders are not run again.
/// Errors     those of the fusion.
/// Source     "zero the other feature": the advice of OGM's authors for heads that cannot be cut.
struct MaskedForward {
  template <fusion::FusionPolicy Fusion>
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, ModalitySpan<at::Tensor> features) const {
    PerModality<at::Tensor> masked;
    for (const auto& x : features) masked.push_back(at::zeros_like(x));
    PerModality<at::Tensor> logits;
    for (std::size_t m = 0; m < features.size(); ++m) {
      const auto zero = std::exchange(masked[m], features[m]);
      logits.push_back(fusion.forward(masked).logits);
      masked[m] = zero;
    }
    return logits;
  }
};

}  // namespace g2d::readout
