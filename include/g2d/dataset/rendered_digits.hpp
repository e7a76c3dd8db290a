// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linspace.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/outer.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <numbers>
#include <optional>

#include <g2d/dataset/detail/digit_strokes.hpp>

namespace g2d::dataset {

/// Draws digits as if by hand: each is one stroke that is bent, sheared, turned, scaled and moved at random and
/// drawn with a round pen of random width.
///
///     p_k    = (I + 0.12 G) (stroke_k + sum_h 0.04 g_h cos(pi h k / K)) * 18 + 14 + 0.8 g        k = 1 … K
///     ink    = sum_k exp(-|pixel - p_k|^2 / (2 pen^2)),   image = 1 - exp(-1.5 ink)
///
/// with all g and G drawn from N(0, 1). A round pen is a product of a row and a column profile, so a whole image is one
/// product of [28, K] and [K, 28] matrices. `strength` 1 draws the digits, 0 draws the mean stroke of all ten, whatever
/// the label: no class can be told.
///
/// Shapes     labels int64 [N], 0 to 9; out: float32 [N, 1, 28, 28], 0 to 1.
[[nodiscard]] inline at::Tensor render_digits(const at::Tensor& labels, double strength,
                                              const at::Generator& generator) {
  constexpr std::int64_t side = 28;
  constexpr std::int64_t num_points = 48;
  constexpr std::int64_t num_bends = 3;
  const auto count = labels.size(0);
  const auto normal = [&](at::IntArrayRef sizes) { return at::randn(sizes, std::optional(generator), at::kFloat); };

  const auto strokes = detail::digit_strokes(num_points);
  const auto drawn = strokes.mean(0, /*keepdim=*/true).lerp(strokes, strength).index_select(0, labels);
  const auto bends =
      at::outer(at::linspace(0, std::numbers::pi, num_points, at::kFloat), at::arange(1, num_bends + 1, at::kFloat))
          .cos();
  const auto bent = drawn + 0.04 * at::matmul(bends, normal({count, num_bends, 2}));
  const auto linear = at::eye(2, at::kFloat) + 0.12 * normal({count, 2, 2});
  const auto points = at::matmul(bent, linear) * 18 + 14 + 0.8 * normal({count, 1, 2});

  const auto pen = 0.9 * (0.2 * normal({count, 1, 1})).exp();
  const auto pixels = (at::arange(side, at::kFloat) + 0.5).view({1, 1, side});
  const auto profile = [&](std::int64_t axis) {  // [N, K, 28]
    return ((pixels - points.select(2, axis).unsqueeze(2)) / pen).square().mul(-0.5).exp();
  };
  const auto ink = at::matmul(profile(1).transpose(1, 2), profile(0));
  return (1 - ink.mul(-1.5).exp()).unsqueeze(1);
}

}  // namespace g2d::dataset
