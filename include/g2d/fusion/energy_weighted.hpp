// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/logsumexp.h>

#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/heads.hpp>

namespace g2d::fusion {

/// The modalities' own heads, each weighed by its confidence, the negative energy of its logits.
///
///     z_m    = W_m h_m + b_m
///     conf_m = log(sum_c exp(z_mc)) / 10, held constant in the gradient
///     logits = sum_m conf_m z_m
///
/// Use when   the quality of a modality differs from sample to sample (QMF). For classes: a value has no energy.
/// Shapes     in: M tensors [B, D_m]; out: logits [B, C], C >= 2, features handed through.
/// Dtype      floating, one dtype and one device for all inputs and heads; no transfers.
/// Units      logits: unnormalised log-probability (nats); confidences: a tenth of a nat.
/// Invariant  split_logits adds up to forward().logits, to rounding. Confidences are not normalised, and may be
///            negative.
/// Cost       C * sum_m D_m multiply-adds a sample, and M sums of exponentials.
/// Errors     ConfigError for one output; ShapeError naming the modality.
/// Source     Zhang et al. 2023 (QMF), arXiv:2306.02050, as in the code of MLA, arXiv:2311.10707.
/// Deviates   none.
/// Reference  g2d/reference/fusion/energy_weighted.hpp
class EnergyWeighted {
 public:
  explicit EnergyWeighted(FusionShape shape) : shape_(std::move(shape)), heads_(shape_, shape_.num_outputs()) {
    if (shape_.num_outputs() == 1) {
      throw ConfigError(
          "g2d: fusion::EnergyWeighted: expected num_outputs >= 2 to weigh by energy, got 1; for values choose "
          "fusion::Late");
    }
  }

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    return {detail::sum(split_logits(features)), detail::copy(features)};
  }

  /// conf_m z_m.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = authors_logits(features);
    for (auto& z : logits) z = z.mul(confidence(z.detach()).unsqueeze(1));
    return logits;
  }

  /// z_m.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::EnergyWeighted");
    return heads_(features);
  }

  /// conf [B] of one modality's logits; not detached, for losses that rank confidences.
  [[nodiscard]] static at::Tensor confidence(const at::Tensor& logits) { return at::logsumexp(logits, 1).div(10.0); }

  [[nodiscard]] Parameters parameters() const { return heads_.parameters(shape_.names()); }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }

 private:
  FusionShape shape_;
  detail::Heads heads_;
};

static_assert(FusionPolicy<EnergyWeighted> && SplitsByModality<EnergyWeighted> && HasAuthorsReadout<EnergyWeighted>);

}  // namespace g2d::fusion
