// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::transform::detail {

inline void check_sample(const at::Tensor& sample, std::int64_t rank, std::string_view expected,
                         std::string_view where) {
  if (sample.defined() && sample.dim() == rank && sample.numel() > 0) return;
  throw ShapeError(fmt::format("g2d: {}: expected {} that is not empty, got {}", where, expected,
                               sample.defined() ? to_string(sample.sizes()) : std::string("no tensor")));
}

inline void check_image(const at::Tensor& image, std::string_view where) {
  check_sample(image, 3, "an image [C, H, W]", where);
}

inline void check_waveform(const at::Tensor& waveform, std::string_view where) {
  check_sample(waveform, 1, "a waveform [L]", where);
}

inline void check_sequence(const at::Tensor& sequence, std::string_view where) {
  check_sample(sequence, 2, "a sequence [T, D]", where);
}

inline void check_floating(const at::Tensor& sample, std::string_view where) {
  if (sample.defined() && sample.is_floating_point()) return;
  throw ShapeError(fmt::format("g2d: {}: expected floating point values, got {}; convert with ToFloat first", where,
                               sample.defined() ? c10::toString(sample.scalar_type()) : "no tensor"));
}

}  // namespace g2d::transform::detail
