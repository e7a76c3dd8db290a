// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/fusion/concept.hpp>
#include <g2d/readout/concept.hpp>

namespace g2d::readout {

/// The fusion's own parts: sum_m unimodal_logits[m] = logits, to rounding.
///
/// Use when   the output is a sum of one part for each modality. Refused at compile time for the others.
/// Shapes     features: M tensors [B, D_m]; out: M tensors [B, C].
/// Cost       as the fusion's heads.
/// Errors     those of the fusion.
/// Source     OGM (arXiv:2203.15332) for two modalities and half the bias.
struct ExactSplit {
  template <fusion::FusionPolicy Fusion>
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, ModalitySpan<at::Tensor> features) const {
    static_assert(
        fusion::SplitsByModality<Fusion>,
        "g2d: readout::ExactSplit needs split_logits(features), which this fusion does not have: its output is "
        "no sum of one part for each modality; use readout::MaskedForward or readout::OwnHeads");
    return fusion.split_logits(features);
  }
};

}  // namespace g2d::readout
