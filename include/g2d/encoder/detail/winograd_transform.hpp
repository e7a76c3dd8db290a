// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/parallel_for.hpp>
#include <g2d/encoder/detail/winograd_lanes.hpp>

// Applies Winograd's transforms to squares, wherever their elements lie.
namespace g2d::encoder::detail::winograd {

/// Where the channels of a square's elements lie.
template <std::size_t Size, class Float>
using Places = std::array<std::array<Float*, Size>, Size>;

/// Places at equal distances, row by row.
template <std::size_t Size, class Float>
Places<Size, Float> places_apart(Float* first, std::int64_t distance) {
  Places<Size, Float> places;
  for (std::size_t i = 0; i < Size * Size; ++i)
    places[i / Size][i % Size] = first + static_cast<std::int64_t>(i) * distance;
  return places;
}

enum class Write { Over, Added };

/// Transforms the columns of a square, then the rows of what comes of it, for the channels from `channel` on that fit
/// side by side. (Not unrolled it takes half as long again.)
template <std::size_t From, std::size_t To, Line<To> (&transform)(const Line<From>&), Write write>
G2D_FOR_AVX2 void transform_square(const Places<From, const float>& from, const Places<To, float>& to,
                                   std::int64_t channel) {
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

/// Transforms squares: from(square, zeros) and to(square, unused) tell the places, those outside of a picture by the
/// pointer given.
template <std::size_t From, std::size_t To, Line<To> (&transform)(const Line<From>&), Write write, class FromPlaces,
          class ToPlaces>
G2D_FOR_AVX2 void transform_range(Range squares, Range channels, FromPlaces&& from, ToPlaces&& to) {
  const std::vector<float> zeros(static_cast<std::size_t>(channels.end));
  std::vector<float> unused(static_cast<std::size_t>(channels.end));
  for (auto square = squares.begin; square < squares.end; ++square) {
    const Places<From, const float> read = from(square, zeros.data());
    const Places<To, float> written = to(square, unused.data());
    for (auto channel = channels.begin; channel < channels.end; channel += num_lanes)
      transform_square<From, To, transform, write>(read, written, channel);
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

}  // namespace g2d::encoder::detail::winograd
