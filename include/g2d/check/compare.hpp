// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/check/report.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::check {

namespace detail {

/// "[3, 0]": the place of the element with this row-major number.
[[nodiscard]] inline std::string position(std::int64_t element, at::IntArrayRef sizes) {
  std::vector<std::int64_t> place(sizes.size());
  for (std::size_t d = sizes.size(); d > 0; --d) {
    place[d - 1] = element % sizes[d - 1];
    element /= sizes[d - 1];
  }
  return to_string(place);
}

[[nodiscard]] inline double error(double got, double expected) {
  if (got == expected) return 0.0;
  const double relative = std::abs(got - expected) / std::max(1.0, std::abs(expected));
  return std::isnan(relative) ? std::numeric_limits<double>::infinity() : relative;
}

}  // namespace detail

/// Compares two tensors of one shape, of any dtypes and devices, element by element in double precision.
///
/// Errors     ShapeError when the shapes differ.
[[nodiscard]] inline Report compare(const at::Tensor& got, const at::Tensor& expected, std::string_view what,
                                    double tolerance) {
  if (got.sizes() != expected.sizes()) {
    throw ShapeError(fmt::format("g2d: check::compare: {}: expected {}, got {}", what, to_string(expected.sizes()),
                                 to_string(got.sizes())));
  }
  const auto host = [](const at::Tensor& tensor) {
    return tensor.detach().to(at::kCPU, at::kDouble).contiguous().resolve_neg();
  };
  const auto got_values = host(got);
  const auto expected_values = host(expected);
  Report report{std::string(what), 0.0, 0.0, 0.0, tolerance};
  for (std::int64_t i = 0; i < got.numel(); ++i) {
    const double a = got_values.const_data_ptr<double>()[i];
    const double b = expected_values.const_data_ptr<double>()[i];
    const double error = detail::error(a, b);
    if (i == 0 || error > report.error) {
      report = {fmt::format("{} at {}", what, detail::position(i, got.sizes())), a, b, error, tolerance};
    }
  }
  return report;
}

}  // namespace g2d::check
