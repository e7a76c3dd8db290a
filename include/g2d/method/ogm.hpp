// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn_like.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/confidence/ratios.hpp>
#include <g2d/core/error.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/mean_confidences.hpp>
#include <g2d/method/detail/requirements.hpp>
#include <g2d/suppression/parameter_filter.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::method {

struct OgmOptions {
  double strength = 0.1;                     ///< alpha >= 0: 0.1 for VGGSound, 0.8 for CREMA-D.
  bool adds_noise = false;                   ///< OGM-GE: noise of the gradients' own size.
  bool damps_on_tie = false;                 ///< Official: equal scores of two modalities damp the first one.
  suppression::ParameterFilter filter = {};  ///< What is scaled. Official: `suppression::official_filter()`.
};

/// As in the published code: 2-D convolutions alone are scaled, and a tie damps the first modality.
[[nodiscard]] constexpr OgmOptions official_ogm(double strength = 0.1) {
  return {.strength = strength, .damps_on_tie = true, .filter = suppression::official_filter()};
}

/// kappa_m = 1 - tanh(alpha r_m) if r_m > 1 else 1, with r_m = S_m / mean_{j != m} S_j, on the scores' device. What is
/// above 1 by no more than sums are rounded by is 1.
[[nodiscard]] inline at::Tensor ogm_coefficients(const at::Tensor& scores, const OgmOptions& options) {
  constexpr double rounding = 1e-6;
  const auto ratios = confidence::ratios(scores);
  const auto damped = ratios.mul(options.strength).tanh().neg().add(1.0);
  auto is_damped = ratios.gt(1.0 + rounding);
  if (options.damps_on_tie) {
    const auto tie = ratios.eq(1.0).all();
    is_damped = is_damped.clone();
    is_damped.select(0, 0).logical_or_(tie);
  }
  return at::where(is_damped, damped, at::ones_like(ratios));
}

/// On-the-fly gradient modulation (OGM), with noise OGM-GE: the modality that is ahead in the batch learns more slowly.
///
///     S_m = mean_i confidence(z_m, y)_i;  g_m <- kappa_m g_m (+ eps, eps ~ N(0, (std(g_m) + 1e-8)^2), std of before)
///
/// A modality's score is a mean over the samples that have it; one that no sample of a batch has counts as the mean of
/// the others. The code sums; of whole samples the ratios are the same.
///
/// Use when   a method without teachers is wanted. Under Adam a constant factor nearly cancels.
/// Shapes     needs the student's unimodal outputs z_m [B, C]; the authors of OGM split the weights of a linear head.
///            Any M; M = 1 damps nothing.
/// Cost       the readout and one pass over the gradients; no sync.
/// Errors     ConfigError for a negative strength; at `begin` for a filter that admits nothing of a modality.
/// Source     Peng et al. 2022, arXiv:2203.15332, and its published code.
/// Deviates   the whole encoder is scaled, as in the paper; `official_ogm` scales what the code does. M > 2 and absent
///            samples are ours (the mean over the others); the window is `Window<Ogm<Task>>`.
/// Reference  g2d/reference/method/ogm.hpp
template <task::TaskPolicy Task>
class Ogm {
 public:
  static constexpr Needs needs{.unimodal = true};

  explicit Ogm(OgmOptions options = {}, Task task = Task()) : options_(options), task_(std::move(task)) {
    if (!(options_.strength >= 0.0)) {
      throw ConfigError(fmt::format("g2d: method::Ogm: expected strength >= 0, got {}", options_.strength));
    }
  }

  void begin(const Setup& setup) { detail::check_filter(setup, options_.filter, "method::Ogm"); }

  void gradients(const StepContext& context, const Outputs& outputs, GradientView& view) {
    const auto coefficients = ogm_coefficients(detail::mean_confidences(task_, context.batch, outputs), options_);
    for (std::size_t m = 0; m < outputs.unimodal.size(); ++m) {
      const auto coefficient = coefficients.select(0, static_cast<std::int64_t>(m));
      if (options_.adds_noise) {
        std::vector<at::Tensor> noise;
        view.for_each(m, options_.filter, [&](const at::Tensor& g) {
          noise.push_back(at::randn_like(g).mul_(g.numel() > 1 ? g.std().add(1e-8) : at::ones_like(g).mul_(1e-8)));
        });
        view.scale(m, coefficient, options_.filter);
        std::size_t next = 0;
        view.for_each(m, options_.filter, [&](at::Tensor& g) { g.add_(noise[next++]); });
      } else {
        view.scale(m, coefficient, options_.filter);
      }
    }
  }

 private:
  OgmOptions options_;
  Task task_;
};

}  // namespace g2d::method
