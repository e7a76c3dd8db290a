// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/linear.h>

#include <numeric>
#include <utility>

#include <g2d/core/linear.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>

namespace g2d::fusion {

/// Concatenation: one linear head on the joined features.
///
///     logits = W [h_1; ...; h_M] + b
///
/// Use when   the common baseline is wanted. With one linear head it differs from `Sum` in its initial scale and bias
///            only.
/// Shapes     in: M tensors [B, D_m]; out: logits [B, C], features handed through.
/// Dtype      floating, one dtype and one device for all inputs and the head; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  split_logits adds up to forward().logits, to rounding.
/// Cost       C * sum_m D_m multiply-adds a sample, and one copy of the features.
/// Errors     ShapeError naming the modality.
/// Source     arXiv:2506.21514, comparison of fusions; OGM-GE (arXiv:2203.15332) for the split by columns.
/// Deviates   none.
/// Reference  g2d/reference/fusion/concat.hpp
class Concat {
 public:
  explicit Concat(FusionShape shape)
      : shape_(std::move(shape)),
        head_(std::accumulate(shape_.feature_widths().begin(), shape_.feature_widths().end(), std::int64_t{0}),
              shape_.num_outputs()) {}

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Concat");
    auto handed_on = detail::copy(features);
    auto logits =
        head_(features.size() > 1 ? at::cat(at::TensorList(features.data(), features.size()), 1) : features[0]);
    return {std::move(logits), std::move(handed_on)};
  }

  /// The columns of W that belong to modality m, times h_m, + b / M.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Concat");
    const auto bias = head_.bias.div(static_cast<double>(features.size()));
    PerModality<at::Tensor> parts;
    std::int64_t begin = 0;
    for (const auto& x : features) {
      parts.push_back(at::linear(x, head_.weight.narrow(1, begin, x.size(1)), bias));
      begin += x.size(1);
    }
    return parts;
  }

  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    return split_logits(features);
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters parameters;
    head_.append_to(parameters, "output");
    return parameters;
  }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }

 private:
  FusionShape shape_;
  Linear head_;
};

static_assert(FusionPolicy<Concat> && SplitsByModality<Concat> && HasAuthorsReadout<Concat>);

}  // namespace g2d::fusion
