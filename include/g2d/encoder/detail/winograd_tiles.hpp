// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <g2d/encoder/detail/winograd_lanes.hpp>

// Winograd's ways to compute a tile of a 3 x 3 convolution's outputs Y from the inputs d that they see,
//
//     Y = A^T [(G w G^T) * (B^T d B)] A,
//
// with one product for each pair of channels and input instead of nine for each output (arXiv:1509.09308). A transform
// works on the columns of a square, then on its rows; here are the products with one of the matrices, for some channels
// side by side.
namespace g2d::encoder::detail::winograd {

constexpr std::size_t taps = 3;  ///< Of a kernel, along one axis.

/// F(4x4, 3x3), with the points 0, 1, -1, 2, -2 and infinity: 36 products instead of 144.
struct Tile4x4 {
  static constexpr std::size_t outputs = 4, inputs = 6;  ///< Along one axis.

  /// B^T d
  G2D_FOR_AVX2 static Line<inputs> transform_inputs(const Line<inputs>& d) {
    const auto a = d[4] - 4.0F * d[2], b = d[3] - 4.0F * d[1];
    const auto c = d[4] - d[2], e = 2.0F * (d[3] - d[1]);
    return {4.0F * (d[0] - d[2]) + c, a + b, a - b, c + e, c - e, d[5] - d[3] - 2.0F * e};
  }

  /// B d
  G2D_FOR_AVX2 static Line<inputs> transform_inputs_back(const Line<inputs>& d) {
    const auto sum = d[1] + d[2], difference = d[1] - d[2];
    const auto far_sum = d[3] + d[4], far_difference = d[3] - d[4];
    return {4.0F * d[0],
            4.0F * (d[5] - difference) - 2.0F * far_difference,
            -5.0F * d[0] - 4.0F * sum - far_sum,
            difference + 2.0F * far_difference - 5.0F * d[5],
            d[0] + sum + far_sum,
            d[5]};
  }

  /// A^T m
  G2D_FOR_AVX2 static Line<outputs> transform_outputs(const Line<inputs>& m) {
    const auto sum = m[1] + m[2], difference = m[1] - m[2];
    const auto far_sum = m[3] + m[4], far_difference = m[3] - m[4];
    return {m[0] + sum + far_sum, difference + 2.0F * far_difference, sum + 4.0F * far_sum,
            difference + 8.0F * far_difference + m[5]};
  }

  /// A y
  G2D_FOR_AVX2 static Line<inputs> transform_outputs_back(const Line<outputs>& y) {
    const auto even = y[0] + y[2], odd = y[1] + y[3];
    const auto far_even = y[0] + 4.0F * y[2], far_odd = 2.0F * y[1] + 8.0F * y[3];
    return {y[0], even + odd, even - odd, far_even + far_odd, far_even - far_odd, y[3]};
  }

  /// G w
  G2D_FOR_AVX2 static Line<inputs> transform_taps(const Line<taps>& w) {
    const auto even = (w[0] + w[2]) * (1.0F / 6.0F), odd = w[1] * (1.0F / 6.0F);
    const auto far_even = w[0] * (1.0F / 24.0F) + w[2] * (1.0F / 6.0F), far_odd = w[1] * (1.0F / 12.0F);
    return {0.25F * w[0], -(even + odd), odd - even, far_even + far_odd, far_even - far_odd, w[2]};
  }

  /// G^T u
  G2D_FOR_AVX2 static Line<taps> transform_taps_back(const Line<inputs>& u) {
    const auto sum = u[1] + u[2], far_sum = u[3] + u[4];
    return {0.25F * u[0] - sum * (1.0F / 6.0F) + far_sum * (1.0F / 24.0F),
            (u[2] - u[1]) * (1.0F / 6.0F) + (u[3] - u[4]) * (1.0F / 12.0F), (far_sum - sum) * (1.0F / 6.0F) + u[5]};
  }
};

/// F(2x2, 3x3), with the points 0, 1, -1 and infinity: 16 products instead of 36.
struct Tile2x2 {
  static constexpr std::size_t outputs = 2, inputs = 4;  ///< Along one axis.

  /// B^T d
  G2D_FOR_AVX2 static Line<inputs> transform_inputs(const Line<inputs>& d) {
    return {d[0] - d[2], d[1] + d[2], d[2] - d[1], d[1] - d[3]};
  }

  /// B d
  G2D_FOR_AVX2 static Line<inputs> transform_inputs_back(const Line<inputs>& d) {
    return {d[0], d[1] - d[2] + d[3], d[1] + d[2] - d[0], -d[3]};
  }

  /// A^T m
  G2D_FOR_AVX2 static Line<outputs> transform_outputs(const Line<inputs>& m) {
    return {m[0] + m[1] + m[2], m[1] - m[2] - m[3]};
  }

  /// A y
  G2D_FOR_AVX2 static Line<inputs> transform_outputs_back(const Line<outputs>& y) {
    return {y[0], y[0] + y[1], y[0] - y[1], -y[1]};
  }

  /// G w
  G2D_FOR_AVX2 static Line<inputs> transform_taps(const Line<taps>& w) {
    const auto even = 0.5F * (w[0] + w[2]), odd = 0.5F * w[1];
    return {w[0], even + odd, even - odd, w[2]};
  }

  /// G^T u
  G2D_FOR_AVX2 static Line<taps> transform_taps_back(const Line<inputs>& u) {
    const auto half_sum = 0.5F * (u[1] + u[2]);
    return {u[0] + half_sum, 0.5F * (u[1] - u[2]), half_sum + u[3]};
  }
};

}  // namespace g2d::encoder::detail::winograd
