// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>

#include <cstdint>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::encoder::detail {

/// A batch of sequences of which only the valid steps count: whatever stands in the padding, NaN above all, is gone.
struct Sequences {
  /// `lengths`: int64 [B] on the device of the values, or undefined when every step is valid.
  Sequences(const at::Tensor& padded, const at::Tensor& lengths_, std::int64_t in_features, std::string_view where) {
    check(padded, lengths_, in_features, where);
    const auto num_steps = padded.size(1);
    const auto options = padded.options().dtype(at::kLong);
    // To refuse a length out of range would make the host wait for the device.
    lengths = lengths_.defined() ? lengths_.clamp(0, num_steps) : at::full({padded.size(0)}, num_steps, options);
    steps = at::arange(num_steps, options).unsqueeze(0);
    padding = steps.ge(lengths.unsqueeze(1));
    values = padded.masked_fill(padding.unsqueeze(2), 0.0);
  }

  at::Tensor values;   ///< [B, T, D], zeros in the padding.
  at::Tensor lengths;  ///< int64 [B], in [0, T].
  at::Tensor steps;    ///< int64 [1, T]: 0, 1, 2, ...
  at::Tensor padding;  ///< bool [B, T]: the steps that do not count.

 private:
  static void check(const at::Tensor& padded, const at::Tensor& lengths_, std::int64_t in_features,
                    std::string_view where) {
    if (padded.dim() != 3 || padded.size(1) < 1 || padded.size(2) != in_features) {
      throw ShapeError(fmt::format("g2d: {}: expected values [B, T, {}] with T >= 1, got {}", where, in_features,
                                   to_string(padded.sizes())));
    }
    if (!lengths_.defined()) return;
    if (lengths_.dim() != 1 || lengths_.size(0) != padded.size(0) || lengths_.scalar_type() != at::kLong) {
      throw ShapeError(fmt::format("g2d: {}: expected lengths int64 [{}], got {} {}", where, padded.size(0),
                                   c10::toString(lengths_.scalar_type()), to_string(lengths_.sizes())));
    }
    if (lengths_.device() != padded.device()) {
      throw ShapeError(fmt::format("g2d: {}: expected lengths on the device of the values, {}, got {}", where,
                                   padded.device().str(), lengths_.device().str()));
    }
  }
};

}  // namespace g2d::encoder::detail
