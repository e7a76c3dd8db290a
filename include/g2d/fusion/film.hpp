// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <utility>

#include <g2d/core/linear.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/fusion/conditioning_options.hpp>
#include <g2d/fusion/detail/combine.hpp>
#include <g2d/fusion/detail/conditioning.hpp>
#include <g2d/fusion/detail/equal_widths.hpp>

namespace g2d::fusion {

/// Feature-wise linear modulation: one modality c scales and shifts the (mean of the) others.
///
///     [gamma, beta] = halves of W_film h_c + b_film
///     logits        = W (gamma * mean_{m != c} h_m + beta) + b
///
/// Use when   one modality sets the context in which the others are read.
/// Shapes     in: M >= 2 tensors [B, D_m], all but c of one width D; out: logits [B, C], features handed through.
/// Dtype      floating, one dtype and one device for all inputs and layers; no transfers.
/// Units      logits: unnormalised log-probability (nats); regression: the unit of the target.
/// Invariant  M = 2: the published fusion. No exact split exists; `readout::MaskedForward` or `Authors` read it.
/// Cost       2 D D_c + C D multiply-adds a sample.
/// Errors     ConfigError for M < 2, an unknown conditioning modality, or differing widths; ShapeError naming the
///            modality.
/// Source     Perez et al. 2018, arXiv:1709.07871, as used in arXiv:2506.21514.
/// Deviates   ours for M > 2: the mean of the conditioned modalities.
/// Reference  g2d/reference/fusion/film.hpp
class Film {
 public:
  static constexpr std::size_t min_modalities = 2;

  explicit Film(FusionShape shape, ConditioningOptions options = {})
      : shape_(std::move(shape)),
        conditioning_(detail::conditioning_index(shape_, options, "fusion::Film")),
        width_(detail::conditioned_width(shape_, conditioning_, "fusion::Film")),
        film_(shape_.feature_width(conditioning_), 2 * width_),
        output_(width_, shape_.num_outputs()) {}

  [[nodiscard]] Output forward(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Film");
    const auto conditioned = detail::mean_without(features, conditioning_);
    return {output_(modulate(features[conditioning_], conditioned)), detail::copy(features)};
  }

  /// Each modality under its own gamma and beta: W (gamma(h_m) h_m + beta(h_m)) + b / M. All widths must be equal.
  [[nodiscard]] PerModality<at::Tensor> authors_logits(ModalitySpan<at::Tensor> features) const {
    shape_.check(features, "fusion::Film");
    detail::check_equal_widths(shape_, "fusion::Film: the authors' readout");
    PerModality<at::Tensor> logits;
    const double removed = 1.0 - 1.0 / static_cast<double>(features.size());
    for (const auto& x : features) logits.push_back(output_(modulate(x, x)).sub(output_.bias, removed));
    return logits;
  }

  [[nodiscard]] Parameters parameters() const {
    Parameters parameters;
    film_.append_to(parameters, "film");
    output_.append_to(parameters, "output");
    return parameters;
  }
  [[nodiscard]] const FusionShape& shape() const { return shape_; }
  [[nodiscard]] std::size_t conditioning() const { return conditioning_; }

 private:
  [[nodiscard]] at::Tensor modulate(const at::Tensor& conditioning, const at::Tensor& conditioned) const {
    const auto film = film_(conditioning);
    return film.narrow(1, 0, width_).mul(conditioned).add(film.narrow(1, width_, width_));
  }

  FusionShape shape_;
  std::size_t conditioning_;
  std::int64_t width_;
  Linear film_;
  Linear output_;
};

static_assert(FusionPolicy<Film> && !SplitsByModality<Film> && HasAuthorsReadout<Film>);

}  // namespace g2d::fusion
