// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

#include <g2d/core/error.hpp>

namespace g2d {

/// "[16, 512]": the form in which every message shows a shape.
[[nodiscard]] inline std::string to_string(at::IntArrayRef sizes) {
  return fmt::format("[{}]", fmt::join(sizes.begin(), sizes.end(), ", "));
}

/// Throws ShapeError unless `tensor` is [rows, width]; a negative size is not checked. Reads shapes only: no device
/// sync. `where` is called for its text only then.
template <std::invocable Where>
void check_matrix(const at::Tensor& tensor, std::int64_t rows, std::int64_t width, Where&& where) {
  const auto shown = [](std::int64_t size, const char* symbol) { return size < 0 ? symbol : std::to_string(size); };
  const bool fits = tensor.defined() && tensor.dim() == 2 && (rows < 0 || tensor.size(0) == rows) &&
                    (width < 0 || tensor.size(1) == width);
  if (!fits) {
    throw ShapeError(fmt::format("g2d: {}: expected [{}, {}], got {}", where(), shown(rows, "B"), shown(width, "D"),
                                 tensor.defined() ? to_string(tensor.sizes()) : std::string("no tensor")));
  }
}

inline void check_matrix(const at::Tensor& tensor, std::int64_t rows, std::int64_t width, std::string_view where) {
  check_matrix(tensor, rows, width, [where] { return where; });
}

/// Throws ShapeError unless both tensors have one shape.
inline void check_same_shape(const at::Tensor& student, const at::Tensor& teacher, std::string_view where) {
  if (student.sizes() != teacher.sizes()) {
    throw ShapeError(fmt::format("g2d: {}: expected the teacher's shape to equal the student's {}, got {}", where,
                                 to_string(student.sizes()), to_string(teacher.sizes())));
  }
}

}  // namespace g2d
