// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include <g2d/core/parallel_for.hpp>

// Winograd's F(4x4, 3x3): 4 x 4 outputs of a 3 x 3 convolution, from the 6 x 6 inputs that they see, in 36 products for each pair of
// channels instead of 144,
//
//     Y = A^T [(G w G^T) * (B^T d B)] A,
//
// with the points 0, 1, -1, 2, -2 and infinity (arXiv:1509.09308). A transform works on the columns of a square, then on its rows; here
// are the products with one of the matrices, for some channels side by side.
namespace g2d::encoder::detail::winograd {

constexpr std::size_t outputs = 4, inputs = 6, taps = 3;  ///< Of a tile, along one axis.

// The functions below are for processors with AVX2, whatever the program is compiled for; who calls them asks for such a processor.
#if defined(__GNUC__) && defined(__x86_64__)
#define G2D_AVX2 [[gnu::target("avx2,fma")]]
using Lanes [[gnu::vector_size(32)]] = float;  ///< Channels side by side.
#else
#define G2D_AVX2
using Lanes = float;
#endif
constexpr std::int64_t num_lanes = sizeof(Lanes) / sizeof(float);

template <std::size_t Size>
using Line = std::array<Lanes, Size>;

/// B^T d
G2D_AVX2 inline Line<inputs> transform_inputs(const Line<inputs>& d) {
  const auto a = d[4] - 4.0F * d[2], b = d[3] - 4.0F * d[1];
  const auto c = d[4] - d[2], e = 2.0F * (d[3] - d[1]);
  return {4.0F * (d[0] - d[2]) + c, a + b, a - b, c + e, c - e, d[5] - d[3] - 2.0F * e};
}

/// B d
G2D_AVX2 inline Line<inputs> transform_inputs_back(const Line<inputs>& d) {
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
G2D_AVX2 inline Line<outputs> transform_outputs(const Line<inputs>& m) {
  const auto sum = m[1] + m[2], difference = m[1] - m[2];
  const auto far_sum = m[3] + m[4], far_difference = m[3] - m[4];
  return {m[0] + sum + far_sum, difference + 2.0F * far_difference, sum + 4.0F * far_sum, difference + 8.0F * far_difference + m[5]};
}

/// A y
G2D_AVX2 inline Line<inputs> transform_outputs_back(const Line<outputs>& y) {
  const auto even = y[0] + y[2], odd = y[1] + y[3];
  const auto far_even = y[0] + 4.0F * y[2], far_odd = 2.0F * y[1] + 8.0F * y[3];
  return {y[0], even + odd, even - odd, far_even + far_odd, far_even - far_odd, y[3]};
}

/// G w
G2D_AVX2 inline Line<inputs> transform_taps(const Line<taps>& w) {
  const auto even = (w[0] + w[2]) * (1.0F / 6.0F), odd = w[1] * (1.0F / 6.0F);
  const auto far_even = w[0] * (1.0F / 24.0F) + w[2] * (1.0F / 6.0F), far_odd = w[1] * (1.0F / 12.0F);
  return {0.25F * w[0], -(even + odd), odd - even, far_even + far_odd, far_even - far_odd, w[2]};
}

/// G^T u
G2D_AVX2 inline Line<taps> transform_taps_back(const Line<inputs>& u) {
  const auto sum = u[1] + u[2], far_sum = u[3] + u[4];
  return {0.25F * u[0] - sum * (1.0F / 6.0F) + far_sum * (1.0F / 24.0F),
          (u[2] - u[1]) * (1.0F / 6.0F) + (u[3] - u[4]) * (1.0F / 12.0F),
          (far_sum - sum) * (1.0F / 6.0F) + u[5]};
}

G2D_AVX2 inline Lanes load(const float* from) {
  Lanes lanes;
  std::memcpy(&lanes, from, sizeof lanes);
  return lanes;
}

G2D_AVX2 inline void store(float* to, Lanes lanes) { std::memcpy(to, &lanes, sizeof lanes); }

/// Where the channels of a square's elements lie.
template <std::size_t Size, class Float>
using Places = std::array<std::array<Float*, Size>, Size>;

/// Places at equal distances, row by row.
template <std::size_t Size, class Float>
Places<Size, Float> places_apart(Float* first, std::int64_t distance) {
  Places<Size, Float> places;
  for (std::size_t i = 0; i < Size * Size; ++i) places[i / Size][i % Size] = first + static_cast<std::int64_t>(i) * distance;
  return places;
}

enum class Write { Over, Added };

/// Transforms the columns of a square, then the rows of what comes of it, for the channels from `channel` on that fit side by side.
/// (Not unrolled it takes half as long again.)
template <std::size_t From, std::size_t To, Line<To> (&transform)(const Line<From>&), Write write>
G2D_AVX2 void transform_square(const Places<From, const float>& from, const Places<To, float>& to, std::int64_t channel) {
  std::array<Line<From>, To> half;
#pragma GCC unroll 6
  for (std::size_t column = 0; column < From; ++column) {
    Line<From> line;
#pragma GCC unroll 6
    for (std::size_t row = 0; row < From; ++row) line[row] = load(from[row][column] + channel);
    const auto transformed = transform(line);
#pragma GCC unroll 6
    for (std::size_t row = 0; row < To; ++row) half[row][column] = transformed[row];
  }
#pragma GCC unroll 6
  for (std::size_t row = 0; row < To; ++row) {
    const auto transformed = transform(half[row]);
#pragma GCC unroll 6
    for (std::size_t column = 0; column < To; ++column) {
      auto* place = to[row][column] + channel;
      store(place, write == Write::Added ? load(place) + transformed[column] : transformed[column]);
    }
  }
}

struct Range {
  std::int64_t begin, end;
};

/// Transforms squares: from(square, zeros) and to(square, unused) tell the places, those outside of a picture by the pointer given.
template <std::size_t From, std::size_t To, Line<To> (&transform)(const Line<From>&), Write write, class FromPlaces, class ToPlaces>
G2D_AVX2 void transform_range(Range squares, Range channels, FromPlaces&& from, ToPlaces&& to) {
  const std::vector<float> zeros(static_cast<std::size_t>(channels.end));
  std::vector<float> unused(static_cast<std::size_t>(channels.end));
  for (auto square = squares.begin; square < squares.end; ++square) {
    const Places<From, const float> read = from(square, zeros.data());
    const Places<To, float> written = to(square, unused.data());
    for (auto channel = channels.begin; channel < channels.end; channel += num_lanes) transform_square<From, To, transform, write>(read, written, channel);
  }
}

/// All squares, shared out to LibTorch's threads.
template <std::size_t From, std::size_t To, Line<To> (&transform)(const Line<From>&), class FromPlaces, class ToPlaces>
void transform_squares(std::int64_t squares, std::int64_t channels, FromPlaces&& from, ToPlaces&& to) {
  constexpr std::int64_t grain = 4;
  parallel_for(squares, grain, [&](std::int64_t begin, std::int64_t end) {
    transform_range<From, To, transform, Write::Over>({begin, end}, {0, channels}, from, to);
  });
}

/// As above, added to what is there. Squares may overlap, so that threads share out the channels.
template <std::size_t From, std::size_t To, Line<To> (&transform)(const Line<From>&), class FromPlaces, class ToPlaces>
void add_squares(std::int64_t squares, std::int64_t channels, FromPlaces&& from, ToPlaces&& to) {
  constexpr std::int64_t grain = 2;
  parallel_for(channels / num_lanes, grain, [&](std::int64_t begin, std::int64_t end) {
    transform_range<From, To, transform, Write::Added>({0, squares}, {begin * num_lanes, end * num_lanes}, from, to);
  });
}

#undef G2D_AVX2

}  // namespace g2d::encoder::detail::winograd
