// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/linear.h>
#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <limits>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>

namespace g2d::fusion {

struct CosineOptions {
  double scale = 10.0;  ///< s, the largest logit of one modality.
};

/// MMCosine: the sum of the modalities' own heads, each of them cosines between the features and its classes.
///
///     z_m    = s normalise(h_m) normalise(W_m)^T
///     logits = sum_m z_m
///
/// normalise(x) = x / |x| row by row: a row for each sample of h_m, for each class of W_m. No bias.
///
/// Use when   a modality wins by the norms of its features and weights alone: here no modality says more than s.
/// Shapes     in: M tensors [B, D_m]; out: logits [B, C], features handed through, not normalised.
/// Dtype      floating, one dtype and one device for all inputs and heads; no transfers.
/// Units      logits: unnormalised log-probability (nats), of modality m in [-s, s]; regression: the unit of the
///            target.
/// Invariant  split_logits adds up to forward().logits, to rounding; the length of a row of h_m or W_m changes nothing.
///            A row no longer than 1e-12 counts zero and has no gradient.
/// Cost       C * sum_m D_m multiply-adds a sample, and the norms.
/// Errors     ConfigError for a scale that is not above 0; ShapeError naming the modality.
/// Source     Xu et al. 2023, arXiv:2303.05338.
/// Deviates   the authors' code trains on the cosines and validates on plain linear heads; one formula serves both
///            here.
/// Reference  g2d/reference/fusion/cosine.hpp
class Cosine {
 public:
  explicit Cosine(FusionShape shape, CosineOptions options = {}) : shape_(std::move(shape)), options_(options) {
    if (!(options_.scale > 0.0 && std::isfinite(options_.scale))) {
      throw ConfigError(fmt::format("g2d: fusion::Cosine: expected a finite scale > 0, got {}", options_.scale));
    }
    for (const auto width : shape_.feature_widths()) {
      const double bound = 1.0 / std::sqrt(static_cast<double>(width));
      weights_.push_back(at::empty({shape_.num_outputs(), width}).uniform_(-bound, bound).requires_grad_());
    }
  }

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    return {detail::sum(split_logits(features)), detail::copy(features)};
  }

  /// z_m.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Cosine");
    PerModality<at::Tensor> logits;
    for (std::size_t m = 0; m < features.size(); ++m) {
      logits.push_back(at::linear(normalised(features[m]), normalised(weights_[m])).mul(options_.scale));
    }
    return logits;
  }

  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    return split_logits(features);
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters parameters;
    for (std::size_t m = 0; m < weights_.size(); ++m)
      parameters.push_back({shape_.names()[m] + ".weight", weights_[m], m});
    return parameters;
  }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }
  [[nodiscard]] const CosineOptions& options() const { return options_; }

 private:
  /// An infinite divisor for rows without a direction: a bounded one would make their gradients huge, and absent
  /// modalities have zero features.
  [[nodiscard]] static at::Tensor normalised(const at::Tensor& rows) {
    const auto length = at::linalg_vector_norm(rows, 2, at::IntArrayRef{1}, /*keepdim=*/true);
    return rows.div(length.masked_fill(length.le(1e-12), std::numeric_limits<double>::infinity()));
  }

  FusionShape shape_;
  CosineOptions options_;
  PerModality<at::Tensor> weights_;
};

static_assert(FusionPolicy<Cosine> && SplitsByModality<Cosine> && HasAuthorsReadout<Cosine>);

}  // namespace g2d::fusion
