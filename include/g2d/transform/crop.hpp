// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>
#include <g2d/transform/place.hpp>

namespace g2d::transform {

/// Cuts `length` samples out of a recording.
///
/// Shapes     in: [L], L >= length; out: [length].
/// Dtype      any; kept.
/// Errors     ConfigError unless length > 0; ShapeError unless the sample is a waveform of at least that length.
struct Crop {
  std::int64_t length = 0;  ///< Samples.
  Place place = Place::Start;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& waveform, SampleRandom& random) const {
    if (length < 1) throw ConfigError(fmt::format("g2d: transform::Crop: expected length >= 1, got {}", length));
    detail::check_waveform(waveform, "transform::Crop");
    const auto spare = waveform.size(0) - length;
    if (spare < 0) {
      throw ShapeError(fmt::format("g2d: transform::Crop: expected at least {} samples, got {}; tile or pad first",
                                   length, waveform.size(0)));
    }
    return waveform.narrow(0, offset(place, spare, random), length);
  }

  [[nodiscard]] bool is_random() const { return place == Place::Random; }
  [[nodiscard]] std::string description() const { return fmt::format("crop {} {}", length, name_of(place)); }
};

static_assert(TransformPolicy<Crop>);

}  // namespace g2d::transform
