// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/sigmoid.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include <g2d/core/linear.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/conditioning.hpp>
#include <g2d/fusion/detail/heads.hpp>

namespace g2d::fusion {

struct GatedOptions {
  std::string conditioning = {};      ///< The gating modality; empty: the first one declared.
  std::int64_t projection_width = 0;  ///< Common width D of the projections; 0: the width of the first gated modality.
};

/// Gated fusion: every modality is projected to one width; one of them, c, gates the (mean of the) others.
///
///     p_m    = P_m h_m + b_m
///     logits = W (sigmoid(p_c) * mean_{m != c} p_m) + b
///
/// Use when   one modality decides how much of the others counts.
/// Shapes     in: M >= 2 tensors [B, D_m]; out: logits [B, C], features p_m [B, D].
/// Dtype      floating, one dtype and one device for all inputs and layers; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  M = 2: the published fusion. No exact split exists; `readout::MaskedForward` or `Authors` read it.
/// Cost       D sum_m D_m + C D multiply-adds a sample.
/// Errors     ConfigError for M < 2 or an unknown gating modality; ShapeError naming the modality.
/// Source     Kiela et al. 2018, arXiv:1802.02892, as used in arXiv:2506.21514.
/// Deviates   ours for M > 2: the mean of the gated modalities.
/// Reference  g2d/reference/fusion/gated.hpp
class Gated {
 public:
  static constexpr std::size_t min_modalities = 2;

  explicit Gated(FusionShape shape, GatedOptions options = {})
      : shape_(std::move(shape)),
        gate_(detail::conditioning_index(shape_, {options.conditioning}, "fusion::Gated")),
        width_(options.projection_width > 0 ? options.projection_width : shape_.feature_width(gate_ == 0 ? 1 : 0)),
        projections_(shape_, width_),
        output_(width_, shape_.num_outputs()) {}

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    auto projected = project(features);
    auto logits = output_(at::sigmoid(projected[gate_]).mul(detail::mean_without(projected, gate_)));
    return {std::move(logits), std::move(projected)};
  }

  /// W p_m + b / M.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = project(features);
    const auto bias = output_.bias.div(static_cast<double>(features.size()));
    for (auto& part : logits) part = at::linear(part, output_.weight, bias);
    return logits;
  }

  [[nodiscard]] Parameters parameters() const {
    auto parameters = projections_.parameters(shape_.names());
    output_.append_to(parameters, "output");
    return parameters;
  }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t conditioning() const { return gate_; }

  /// The width of the features that it hands on.
  [[nodiscard]] std::int64_t handed_on_width(std::size_t) const { return width_; }

 private:
  [[nodiscard]] PerModality<at::Tensor> project(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Gated");
    return projections_(features);
  }

  FusionShape shape_;
  std::size_t gate_;
  std::int64_t width_;
  detail::Heads projections_;
  Linear output_;
};

static_assert(FusionPolicy<Gated> && !SplitsByModality<Gated> && HasAuthorsReadout<Gated>);

}  // namespace g2d::fusion
