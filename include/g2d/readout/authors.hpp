// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/fusion/concept.hpp>
#include <g2d/readout/concept.hpp>

namespace g2d::readout {

/// The formulas of the authors' code, one for each fusion; documented there as `authors_logits`.
///
/// Use when   published runs are to be repeated, and for scores of the student as the authors take them.
/// Shapes     features: M tensors [B, D_m]; out: M tensors [B, C].
/// Cost       as the fusion's heads.
/// Errors     those of the fusion.
/// Source     the authors' published code.
struct Authors {
  template <fusion::FusionPolicy Fusion>
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, ModalitySpan<at::Tensor> features) const {
    static_assert(fusion::HasAuthorsReadout<Fusion>,
                  "g2d: readout::Authors needs authors_logits(features), which this fusion does not have; use "
                  "readout::MaskedForward");
    return fusion.authors_logits(features);
  }
};

}  // namespace g2d::readout
