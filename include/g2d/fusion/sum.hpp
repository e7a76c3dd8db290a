// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/heads.hpp>

namespace g2d::fusion {

/// Additive fusion: every modality votes through its own linear head; the votes are summed.
///
///     logits = sum_m (W_m h_m + b_m)
///
/// Use when   every modality may add evidence freely; `Late` averages instead, so that its scale is free of M.
/// Shapes     in: M tensors [B, D_m]; out: logits [B, C], features handed through.
/// Dtype      floating, one dtype and one device for all inputs and heads; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  split_logits adds up to forward().logits, to rounding.
/// Cost       C * sum_m D_m multiply-adds a sample.
/// Errors     ShapeError naming the modality.
/// Source     arXiv:2506.21514, comparison of fusions.
/// Deviates   the authors' unimodal outputs halve each bias (`authors_logits`); `split_logits` keeps it whole.
/// Reference  g2d/reference/fusion/sum.hpp
class Sum {
 public:
  explicit Sum(FusionShape shape) : shape_(std::move(shape)), heads_(shape_, shape_.num_outputs()) {}

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    return {detail::sum(split_logits(features)), detail::copy(features)};
  }

  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Sum");
    return heads_(features);
  }

  /// W_m h_m + b_m / M.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = split_logits(features);
    const double kept = 1.0 / static_cast<double>(logits.size());
    for (std::size_t m = 0; m < logits.size(); ++m) logits[m] = logits[m].sub(heads_[m].bias, 1.0 - kept);
    return logits;
  }

  [[nodiscard]] Parameters parameters() const { return heads_.parameters(shape_.names()); }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }

 private:
  FusionShape shape_;
  detail::Heads heads_;
};

static_assert(FusionPolicy<Sum> && SplitsByModality<Sum> && HasAuthorsReadout<Sum>);

}  // namespace g2d::fusion
