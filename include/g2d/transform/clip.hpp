// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform {

/// Limits values to [lowest, highest]; NaN stays NaN.
///
/// Shapes     any; kept.
/// Dtype      floating; kept.
/// Errors     ConfigError unless lowest < highest; ShapeError for values that are not floating point.
struct Clip {
  double lowest = -1;
  double highest = 1;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& values) const {
    if (!(lowest < highest)) {
      throw ConfigError(fmt::format("g2d: transform::Clip: expected lowest < highest, got {} and {}", lowest, highest));
    }
    detail::check_floating(values, "transform::Clip");
    return values.clamp(lowest, highest);
  }

  [[nodiscard]] std::string description() const { return fmt::format("clip {} to {}", lowest, highest); }
};

static_assert(TransformPolicy<Clip>);

}  // namespace g2d::transform
