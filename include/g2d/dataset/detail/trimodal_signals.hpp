// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/sin.h>

#include <cstdint>
#include <numbers>
#include <optional>

namespace g2d::dataset::detail {

/// How far around a circle cues from 0 to 1 reach: the ends of six cues are neighbours like the others.
inline constexpr double arc = 5.0 / 6.0;

/// A tone in 8 steps of 12 bands, whose pitch is the cue: it can be told from the mean over the steps.
///
///     x[t, f] = loudness sin(pi (t + 1/2) / 8) exp(-(f - pitch_t)^2 / 2),   pitch_t = 1.5 + 8 cue + glide (t / 7 -
///     1/2)
///
/// with loudness = exp(0.3 N(0, 1)) and glide = 2 N(0, 1).
///
/// Shapes     cues float32 [N], 0 to 1; out: float32 [N, 8, 12].
[[nodiscard]] inline at::Tensor play_tones(const at::Tensor& cues, const at::Generator& generator) {
  constexpr std::int64_t num_steps = 8;
  constexpr std::int64_t num_bands = 12;
  const auto normal = [&] { return at::randn({cues.size(0), 1, 1}, std::optional(generator), at::kFloat); };
  const auto loudness = (0.3 * normal()).exp();
  const auto glide = 2 * normal();
  const auto progress = at::linspace(-0.5, 0.5, num_steps, at::kFloat).view({1, num_steps, 1});
  const auto envelope =
      ((at::arange(num_steps, at::kFloat) + 0.5) * (std::numbers::pi / num_steps)).sin().view({1, num_steps, 1});
  const auto pitch = 1.5 + 8 * cues.view({-1, 1, 1}) + glide * progress;
  return loudness * envelope * (at::arange(num_bands, at::kFloat) - pitch).square().mul(-0.5).exp();
}

/// A patch of stripes somewhere in an image of 14 by 14 pixels, whose direction is the cue: their phase is random, so
/// the mean of any pixel is 0 whatever the cue.
///
///     x[p] = exp(-|p - centre|^2 / 18) cos(2 pi <p - centre, (cos a, sin a)> / 4 + phase),   a = 5/6 pi cue + 0.06
///     N(0, 1)
///
/// with the centre 1.5 N(0, 1) pixels off the middle on either axis.
///
/// Shapes     cues float32 [N], 0 to 1; out: float32 [N, 1, 14, 14].
[[nodiscard]] inline at::Tensor draw_stripes(const at::Tensor& cues, const at::Generator& generator) {
  constexpr std::int64_t side = 14;
  constexpr double wavelength = 4;
  constexpr double turn = 2 * std::numbers::pi;
  const auto normal = [&] { return at::randn({cues.size(0), 1, 1}, std::optional(generator), at::kFloat); };
  const auto angle = arc * std::numbers::pi * cues.view({-1, 1, 1}) + 0.06 * normal();
  const auto pixels = at::arange(side, at::kFloat) - 0.5 * (side - 1);
  const auto x = pixels.view({1, 1, side}) - 1.5 * normal();
  const auto y = pixels.view({1, side, 1}) - 1.5 * normal();
  const auto phase = turn * at::rand({cues.size(0), 1, 1}, std::optional(generator), at::kFloat);
  const auto window = (x.square() + y.square()).div(-18).exp();
  return (window * ((x * angle.cos() + y * angle.sin()) * (turn / wavelength) + phase).cos()).unsqueeze(1);
}

/// How often each of 12 subjects and 12 objects is spoken of. Either topic is a random point on a circle of words, and
/// the cue is the way from one to the other: neither half says anything alone, nor does any sum of words.
///
///     x[j] = exp(cos(2 pi (j / 12 - s)) - 1)^3,   x[12 + j] = exp(cos(2 pi (j / 12 - s - 5/6 cue)) - 1)^3,   s uniform
///
/// Shapes     cues float32 [N], 0 to 1; out: float32 [N, 24].
[[nodiscard]] inline at::Tensor write_words(const at::Tensor& cues, const at::Generator& generator) {
  constexpr std::int64_t num_words = 12;
  const auto subject = at::rand({cues.size(0), 1}, std::optional(generator), at::kFloat);
  const auto words = at::arange(num_words, at::kFloat) / num_words;
  const auto counts = [&](const at::Tensor& topic) {
    return ((words - topic) * (2 * std::numbers::pi)).cos().sub(1).mul(3).exp();
  };
  return at::cat({counts(subject), counts(subject + arc * cues.unsqueeze(1))}, 1);
}

}  // namespace g2d::dataset::detail
