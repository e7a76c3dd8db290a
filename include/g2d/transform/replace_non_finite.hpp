// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform {

/// NaN, infinity and minus infinity become 0: feature files hold them where an extractor had nothing to measure.
///
/// Shapes     any; kept.
/// Dtype      floating; kept.
/// Errors     ShapeError for values that are not floating point.
struct ReplaceNonFinite {
  [[nodiscard]] at::Tensor operator()(const at::Tensor& values) const {
    detail::check_floating(values, "transform::ReplaceNonFinite");
    return values.nan_to_num(0, 0, 0);
  }

  [[nodiscard]] std::string description() const { return "replace non-finite by 0"; }
};

static_assert(TransformPolicy<ReplaceNonFinite>);

}  // namespace g2d::transform
