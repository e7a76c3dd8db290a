// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/fusion/concept.hpp>
#include <g2d/readout/concept.hpp>
#include <g2d/readout/exact_split.hpp>
#include <g2d/readout/masked_forward.hpp>

namespace g2d::readout {

/// The modalities' own heads where the output is their mean (`Late`, `SharedHead`, `CrossExcitation`), else
/// `ExactSplit` where the fusion has one, else `MaskedForward`.
///
/// Use when   in doubt: the default of a student. Scores are those of the modality alone: the parts that a mean adds up
///            are 1/M of its logits, softmaxes at temperature M.
/// Shapes     features: M tensors [B, D_m]; out: M tensors [B, C].
/// Errors     those of the fusion.
struct Auto {
  template <fusion::FusionPolicy Fusion>
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, ModalitySpan<at::Tensor> features) const {
    if constexpr (fusion::HasAuthorsReadout<Fusion>) {
      if (fusion::averages_heads(fusion)) return fusion.authors_logits(features);
    }
    if constexpr (fusion::SplitsByModality<Fusion>) {
      if (fusion::splits(fusion)) return ExactSplit{}.unimodal_logits(fusion, features);
    }
    return MaskedForward{}.unimodal_logits(fusion, features);
  }
};

}  // namespace g2d::readout
