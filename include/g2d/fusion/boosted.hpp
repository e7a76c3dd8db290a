// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <fmt/format.h>

#include <cstdint>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/linear.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/equal_widths.hpp>

namespace g2d::fusion {

struct BoostedOptions {
  std::int64_t hidden_width = 256;  ///< Of the head's hidden layer.
};

/// A boosted ensemble: every modality is a learner, all share one head, and a learned scale weighs their sum.
///
///     f_m    = W_2 relu(W_1 h_m + b_1) + b_2
///     logits = s sum_m f_m
///
/// Use when   the modalities are trained as the learners of a boosting, each on what the others get wrong (ReconBoost).
/// Shapes     in: M tensors [B, D]; out: logits [B, C], features handed through. The scale s is a 0-dim tensor, 1 at
///            first.
/// Dtype      floating, one dtype and one device for all inputs and layers; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  split_logits adds up to forward().logits, to rounding; the order of the modalities does not matter.
/// Cost       M H (D + C) multiply-adds a sample, H the hidden width.
/// Errors     ConfigError for differing widths or a hidden width below 1; ShapeError naming the modality.
/// Source     Hua et al. 2024, arXiv:2405.09321.
/// Deviates   none; for sentiment in text, sound and video the authors' head is one linear layer.
/// Reference  g2d/reference/fusion/boosted.hpp
class Boosted {
 public:
  static constexpr bool needs_equal_widths = true;

  explicit Boosted(FusionShape shape, BoostedOptions options = {})
      : shape_(std::move(shape)),
        hidden_(shape_.feature_width(0), checked(options.hidden_width)),
        output_(options.hidden_width, shape_.num_outputs()),
        scale_(at::ones({}).requires_grad_()) {
    detail::check_equal_widths(shape_, "fusion::Boosted");
  }

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    return {detail::sum(authors_logits(features)).mul(scale_), detail::copy(features)};
  }

  /// s f_m.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = authors_logits(features);
    for (auto& part : logits) part = part.mul(scale_);
    return logits;
  }

  /// f_m.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Boosted");
    PerModality<at::Tensor> logits;
    for (const auto& x : features) logits.push_back(output_(at::relu(hidden_(x))));
    return logits;
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters parameters;
    hidden_.append_to(parameters, "hidden");
    output_.append_to(parameters, "output");
    parameters.push_back({"scale", scale_, {}});
    return parameters;
  }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }

  /// s, 0-dim.
  [[nodiscard]] const at::Tensor& scale() const { return scale_; }

 private:
  [[nodiscard]] static std::int64_t checked(std::int64_t hidden_width) {
    if (hidden_width < 1) {
      throw ConfigError(fmt::format("g2d: fusion::Boosted: expected a hidden_width >= 1, got {}", hidden_width));
    }
    return hidden_width;
  }

  FusionShape shape_;
  Linear hidden_;
  Linear output_;
  at::Tensor scale_;
};

static_assert(FusionPolicy<Boosted> && SplitsByModality<Boosted> && HasAuthorsReadout<Boosted>);

}  // namespace g2d::fusion
