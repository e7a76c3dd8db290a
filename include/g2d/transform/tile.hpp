// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform {

/// Repeats a recording, whole, until it has at least `length` samples.
///
/// Shapes     in: [L]; out: [L ceil(length / L)].
/// Dtype      any; kept.
/// Errors     ConfigError unless length > 0; ShapeError unless the sample is a waveform.
struct Tile {
  std::int64_t length = 0;  ///< Samples.

  [[nodiscard]] at::Tensor operator()(const at::Tensor& waveform) const {
    if (length < 1) throw ConfigError(fmt::format("g2d: transform::Tile: expected length >= 1, got {}", length));
    detail::check_waveform(waveform, "transform::Tile");
    return waveform.repeat({(length - 1) / waveform.size(0) + 1});
  }

  [[nodiscard]] std::string description() const { return fmt::format("tile {}", length); }
};

static_assert(TransformPolicy<Tile>);

}  // namespace g2d::transform
