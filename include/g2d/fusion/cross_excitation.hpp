// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/linear.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/heads.hpp>
#include <g2d/fusion/excitation_gate.hpp>

namespace g2d::fusion {

struct CrossExcitationOptions {
  std::int64_t ratio = 4;  ///< How many times narrower the squeezed vector is than twice the joined features.
};

/// Squeeze and excitation across modalities: what all of them say gates the features of each.
///
///     u      = relu(W_s [h_1; ...; h_M] + b_s), of width max(1, 2 sum_m D_m / ratio)
///     gate_m = sigmoid(E_m u + e_m)
///     g_m    = gate_m * h_m
///     logits = (1/M) sum_m (W_m g_m + b_m)
///
/// Use when   modalities should tell each other what to look at, and a method is to watch or stop that talk (Greedy).
/// Shapes     in: M >= 2 tensors [B, D_m]; out: logits [B, C], features g_m [B, D_m].
/// Dtype      floating, one dtype and one device for all inputs and layers; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  split_logits adds up to forward().logits, to rounding, unless a gate was curated; part m depends on the
///            other modalities through its gate. `ExcitationGate` changes no pass but the one it is armed for.
/// Cost       (2 S + C) sum_m D_m multiply-adds a sample, S the squeezed width.
/// Errors     ConfigError for M < 2 or a ratio below 1; ShapeError naming the modality.
/// Source     Joze et al. 2020, arXiv:1911.08670, as used in Wu et al. 2022, arXiv:2202.05306.
/// Deviates   acts once, on feature vectors instead of the maps between the encoders' stages. Ours for M > 2: all
///            modalities are squeezed together, by the same rule.
/// Reference  g2d/reference/fusion/cross_excitation.hpp
class CrossExcitation {
 public:
  static constexpr bool averages_heads = true;
  static constexpr std::size_t min_modalities = 2;

  explicit CrossExcitation(FusionShape shape, CrossExcitationOptions options = {})
      : shape_(std::move(shape)),
        squeeze_(joined_width(shape_), squeezed_width(shape_, options)),
        heads_(shape_, shape_.num_outputs()),
        gate_(shape_) {
    for (const auto width : shape_.feature_widths()) excites_.emplace_back(squeeze_.out_features(), width);
  }

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    auto gated = times(features, gate_.pass(gates(features)));
    auto logits = detail::sum(heads_(gated)).div(static_cast<double>(features.size()));
    return {std::move(logits), std::move(gated)};
  }

  /// (W_m g_m + b_m) / M.
  [[nodiscard]] PerModality<at::Tensor> split_logits(ModalitySpan<at::Tensor> features) const {
    auto logits = authors_logits(features);
    for (auto& part : logits) part = part.div(static_cast<double>(features.size()));
    return logits;
  }

  /// W_m g_m + b_m.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    return heads_(times(features, gates(features)));
  }

  [[nodiscard]] Parameters parameters() const {
    auto parameters = excitation_parameters();
    for (std::size_t m = 0; m < excites_.size(); ++m) heads_[m].append_to(parameters, "head." + shape_.names()[m], m);
    return parameters;
  }

  /// What carries information between modalities: the squeeze, which is nobody's, and the excitation of each modality.
  [[nodiscard]] Parameters excitation_parameters() const {
    Parameters parameters;
    squeeze_.append_to(parameters, "squeeze");
    for (std::size_t m = 0; m < excites_.size(); ++m)
      excites_[m].append_to(parameters, "excite." + shape_.names()[m], m);
    return parameters;
  }

  [[nodiscard]] const FusionShape& shape() const { return shape_; }

  /// The handle on the gates of this fusion and of all its copies.
  [[nodiscard]] const ExcitationGate& gate() const { return gate_; }

 private:
  [[nodiscard]] static std::int64_t joined_width(const FusionShape& shape) {
    return std::accumulate(shape.feature_widths().begin(), shape.feature_widths().end(), std::int64_t{0});
  }

  [[nodiscard]] static std::int64_t squeezed_width(const FusionShape& shape, const CrossExcitationOptions& options) {
    if (shape.num_modalities() < min_modalities) {
      throw ConfigError(fmt::format(
          "g2d: fusion::CrossExcitation: expected at least 2 modalities, for they excite each other, got 1 ({})",
          shape.names().joined()));
    }
    if (options.ratio < 1) {
      throw ConfigError(fmt::format("g2d: fusion::CrossExcitation: expected a ratio >= 1, got {}", options.ratio));
    }
    return std::max<std::int64_t>(1, 2 * joined_width(shape) / options.ratio);
  }

  [[nodiscard]] PerModality<at::Tensor> gates(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::CrossExcitation");
    const auto squeezed = at::relu(squeeze_(at::cat(at::TensorList(features.data(), features.size()), 1)));
    PerModality<at::Tensor> gates;
    for (const auto& excite : excites_) gates.push_back(at::sigmoid(excite(squeezed)));
    return gates;
  }

  [[nodiscard]] static PerModality<at::Tensor> times(ModalitySpan<at::Tensor> features, PerModality<at::Tensor> gates) {
    for (std::size_t m = 0; m < gates.size(); ++m) gates[m] = gates[m].mul(features[m]);
    return gates;
  }

  FusionShape shape_;
  Linear squeeze_;
  std::vector<Linear> excites_;
  detail::Heads heads_;
  ExcitationGate gate_;
};

static_assert(FusionPolicy<CrossExcitation> && SplitsByModality<CrossExcitation> && HasAuthorsReadout<CrossExcitation>);

}  // namespace g2d::fusion
