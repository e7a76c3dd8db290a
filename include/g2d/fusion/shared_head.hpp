// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>

#include <cstddef>
#include <cstdint>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/linear.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/equal_widths.hpp>

namespace g2d::fusion {

/// How much each modality counts in a `SharedHead`.
enum class Weighting {
  Entropy,  ///< By the certainty of its own prediction, sample by sample: for classes.
  Mean,     ///< All the same: for values, which have no entropy.
};

struct SharedHeadOptions {
  Weighting weighting = Weighting::Entropy;
};

/// One linear head that all modalities share, each weighed by how certain it is.
///
///     z_m    = W h_m + b
///     w      = softmax_m(-entropy(softmax(z_m))), or 1/M each
///     logits = sum_m w_m z_m
///
/// Use when   the modalities are trained in turns, and meet in the classes only (MLA).
/// Shapes     in: M tensors [B, D]; out: logits [B, C], features handed through.
/// Dtype      floating, one dtype and one device for all inputs and the head; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  the weights of a sample add up to 1, so that split_logits adds up to forward().logits, to rounding;
///            samples do not see each other. By entropy, part m depends on what the other modalities say.
/// Cost       M C D multiply-adds a sample, and M softmaxes.
/// Errors     ConfigError for differing widths, or the entropy of one output, which is always 0; ShapeError naming the
///            modality.
/// Source     Zhang et al. 2024, arXiv:2311.10707.
/// Deviates   the authors' code takes one entropy for a whole batch, and the softmax over the batch instead of the
///            modalities.
/// Reference  g2d/reference/fusion/shared_head.hpp
class SharedHead {
 public:
  static constexpr bool averages_heads = true;
  static constexpr bool needs_equal_widths = true;

  explicit SharedHead(FusionShape shape, SharedHeadOptions options = {})
      : shape_(std::move(shape)), options_(options), head_(shape_.feature_width(0), shape_.num_outputs()) {
    detail::check_equal_widths(shape_, "fusion::SharedHead");
    if (options_.weighting == Weighting::Entropy && shape_.num_outputs() == 1) {
      throw ConfigError(
          "g2d: fusion::SharedHead: expected num_outputs >= 2 to weigh by entropy, got 1; for values choose "
          "Weighting::Mean");
    }
  }

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    return {detail::sum(split_logits(features)), detail::copy(features)};
  }

  /// w_m z_m.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = authors_logits(features);
    const auto shares = weights(logits);
    for (std::size_t m = 0; m < logits.size(); ++m) {
      logits[m] = logits[m].mul(shares.narrow(1, static_cast<std::int64_t>(m), 1));
    }
    return logits;
  }

  /// z_m.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::SharedHead");
    PerModality<at::Tensor> logits;
    for (const auto& x : features) logits.push_back(head_(x));
    return logits;
  }

  /// w [B, M] of the modalities' logits z_m.
  [[nodiscard]] at::Tensor weights(ModalitySpan<at::Tensor> logits) const {
    if (options_.weighting == Weighting::Mean) {
      const auto modalities = static_cast<std::int64_t>(logits.size());
      return logits[0].new_full({logits[0].size(0), modalities}, 1.0 / static_cast<double>(modalities));
    }
    PerModality<at::Tensor> certainties;
    for (const auto& z : logits) {
      const auto log_probability = at::log_softmax(z, 1);
      certainties.push_back(log_probability.exp().mul(log_probability).sum(1));
    }
    return at::softmax(at::stack(at::TensorList(certainties.data(), certainties.size()), 1), 1);
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters parameters;
    head_.append_to(parameters, "output");
    return parameters;
  }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }
  [[nodiscard]] const SharedHeadOptions& options() const { return options_; }

 private:
  FusionShape shape_;
  SharedHeadOptions options_;
  Linear head_;
};

static_assert(FusionPolicy<SharedHead> && SplitsByModality<SharedHead> && HasAuthorsReadout<SharedHead>);

}  // namespace g2d::fusion
