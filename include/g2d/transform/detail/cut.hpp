// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <concepts>
#include <cstdint>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/transform/detail/check_sample.hpp>

namespace g2d::transform::detail {

/// height x width pixels of an image, a view; choose_offset(spare) says where they begin, rows first.
template <std::invocable<std::int64_t> ChooseOffset>
at::Tensor cut(const at::Tensor& image, std::int64_t height, std::int64_t width, std::string_view where,
               ChooseOffset&& choose_offset) {
  if (height < 1 || width < 1) {
    throw ConfigError(fmt::format("g2d: {}: expected height and width >= 1, got {} and {}", where, height, width));
  }
  check_image(image, where);
  const auto spare_rows = image.size(1) - height;
  const auto spare_columns = image.size(2) - width;
  if (spare_rows < 0 || spare_columns < 0) {
    throw ShapeError(fmt::format("g2d: {}: expected an image of at least {} x {} pixels, got {}; resize first", where,
                                 height, width, to_string(image.sizes())));
  }
  const auto top = choose_offset(spare_rows);
  const auto left = choose_offset(spare_columns);
  return image.narrow(1, top, height).narrow(2, left, width);
}

}  // namespace g2d::transform::detail
