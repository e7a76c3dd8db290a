// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/parameter.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/heads.hpp>
#include <g2d/readout/concept.hpp>

namespace g2d::readout {

/// A linear head for each modality, beside the fusion: unimodal_logits[m] = H_m h_m + b_m.
///
/// Use when   a loss trains the heads (uniform multi-task training and its kin). Untrained heads say nothing.
/// Shapes     features: M tensors [B, D_m]; out: M tensors [B, C].
/// Cost       C sum_m D_m multiply-adds a sample, and as many parameters.
/// Errors     those of the heads.
/// Source     MMPareto (arXiv:2405.17730), its multi-task baseline.
class OwnHeads {
 public:
  explicit OwnHeads(const FusionShape& shape) : names_(shape.names()), heads_(shape, shape.num_outputs()) {}

  template <fusion::FusionPolicy Fusion>
  [[nodiscard]] PerModality<at::Tensor> unimodal_logits(const Fusion& fusion, ModalitySpan<at::Tensor> features) const {
    fusion.shape().check(features, "readout::OwnHeads");
    return heads_(features);
  }

  [[nodiscard]] Parameters parameters() const { return heads_.parameters(names_); }

 private:
  ModalityNames names_;
  fusion::detail::Heads heads_;
};

}  // namespace g2d::readout
