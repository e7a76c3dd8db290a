// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/heads.hpp>

namespace g2d::fusion {

/// Late fusion: the mean of the modalities' own heads.
///
///     logits = (1/M) sum_m (W_m h_m + b_m)
///
/// Use when   in doubt: the paper's best fusion inside G2D, and the scale of the output does not grow with M.
/// Shapes     in: M tensors [B, D_m]; out: logits [B, C], features handed through.
/// Dtype      floating, one dtype and one device for all inputs and heads; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  split_logits adds up to forward().logits, to rounding.
/// Cost       C * sum_m D_m multiply-adds a sample.
/// Errors     ShapeError naming the modality.
/// Source     arXiv:2506.21514, comparison of fusions.
/// Deviates   none; `authors_logits` are the heads themselves, M times the parts of `split_logits`.
/// Reference  g2d/reference/fusion/late.hpp
class Late {
 public:
  static constexpr bool averages_heads = true;

  explicit Late(FusionShape shape) : shape_(std::move(shape)), heads_(shape_, shape_.num_outputs()) {}

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    auto logits = detail::sum(authors_logits(features));
    return {features.size() > 1 ? logits.div(static_cast<double>(features.size())) : logits, detail::copy(features)};
  }

  /// (W_m h_m + b_m) / M.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = authors_logits(features);
    for (auto& part : logits) part = part.div(static_cast<double>(features.size()));
    return logits;
  }

  /// W_m h_m + b_m.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Late");
    return heads_(features);
  }

  [[nodiscard]] Parameters parameters() const { return heads_.parameters(shape_.names()); }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }

 private:
  FusionShape shape_;
  detail::Heads heads_;
};

static_assert(FusionPolicy<Late> && SplitsByModality<Late> && HasAuthorsReadout<Late>);

}  // namespace g2d::fusion
