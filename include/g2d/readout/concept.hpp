// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>

#include <g2d/core/per_modality.hpp>

/// Readouts: what each modality would have said alone.
///
/// | policy | formula | needs |
/// |---|---|---|
/// | `ExactSplit`    | the fusion's own parts, which add up to the output | all but `Film` and `Gated` |
/// | `MaskedForward` | the fusion with the features of all other modalities replaced by zero | any fusion |
/// | `OwnHeads`      | a linear head for each modality, trained beside the fusion | any fusion, with a loss for them |
/// | `Authors`       | the authors' formulas | the shipped fusions |
/// | `Auto`          | default: heads where the output is their mean, `ExactSplit`, `MaskedForward` | any |
///
/// A readout is a plain class:
///
///     struct Mine {
///       template <g2d::fusion::FusionPolicy Fusion>
///       g2d::PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, g2d::ModalitySpan<at::Tensor> features)
///       const;
///     };
///
/// `features` are the encoders'. A readout with parameters adds `parameters()`, as a fusion does.
namespace g2d::readout {

template <class Readout, class Fusion>
concept ReadoutFor = requires(const Readout& readout, const Fusion& fusion, ModalitySpan<at::Tensor> features) {
  { readout.unimodal_logits(fusion, features) } -> std::same_as<PerModality<at::Tensor>>;
};

}  // namespace g2d::readout
