// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>

namespace g2d::transform {

/// Stored numbers as float32.
///
///     y = x / divisor        (255: eight-bit images become 0 … 1; 1: the numbers as they are)
///
/// Shapes     any; kept.
/// Dtype      in: any real; out: float32.
/// Errors     ConfigError unless divisor > 0; ShapeError for no tensor or complex values.
struct ToFloat {
  double divisor = 255;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& values) const {
    if (!(divisor > 0))
      throw ConfigError(fmt::format("g2d: transform::ToFloat: expected divisor > 0, got {}", divisor));
    if (!values.defined() || values.is_complex()) {
      throw ShapeError(fmt::format("g2d: transform::ToFloat: expected real values, got {}",
                                   values.defined() ? c10::toString(values.scalar_type()) : "no tensor"));
    }
    return values.to(at::kFloat).div(divisor);
  }

  [[nodiscard]] std::string description() const { return fmt::format("to float divisor {}", divisor); }
};

static_assert(TransformPolicy<ToFloat>);

}  // namespace g2d::transform
