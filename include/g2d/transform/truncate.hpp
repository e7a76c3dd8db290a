// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include <g2d/core/error.hpp>
#include <g2d/transform/concept.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform {

/// Shortens a sequence to at most `length` steps; shorter ones stay as they are.
///
/// Shapes     in: [T, D]; out: [min(T, length), D].
/// Dtype      any; kept.
/// Errors     ConfigError unless length > 0; ShapeError unless the sample is a sequence.
struct Truncate {
  std::int64_t length = 0;  ///< Steps.
  bool keeps_first = true;  ///< Else the last steps are kept.

  [[nodiscard]] at::Tensor operator()(const at::Tensor& sequence) const {
    if (length < 1) throw ConfigError(fmt::format("g2d: transform::Truncate: expected length >= 1, got {}", length));
    detail::check_sequence(sequence, "transform::Truncate");
    const auto kept = std::min(length, sequence.size(0));
    return sequence.narrow(0, keeps_first ? 0 : sequence.size(0) - kept, kept);
  }

  [[nodiscard]] std::string description() const {
    return fmt::format("truncate to {} {}", keeps_first ? "first" : "last", length);
  }
};

static_assert(TransformPolicy<Truncate>);

}  // namespace g2d::transform
