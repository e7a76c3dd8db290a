// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <g2d/reference/teacher/outputs.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::train {

/// The samples of one step: M inputs [B, ...], their targets, and what the teachers say of them.
template <class Target>
struct Batch {
  PerModality inputs;
  Target target;
  teacher::Outputs teachers;
};

/// Samples first, ..., first + count - 1, or as many of them as there are.
[[nodiscard]] inline Matrix slice(const Matrix& all, std::size_t first, std::size_t count) {
  const auto begin = static_cast<Eigen::Index>(first);
  return all.middleRows(begin, std::min(static_cast<Eigen::Index>(count), all.rows() - begin));
}

[[nodiscard]] inline Labels slice(const Labels& all, std::size_t first, std::size_t count) {
  const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(std::min(count, all.size() - first))};
}

[[nodiscard]] inline PerModality slice(const PerModality& all, std::size_t first, std::size_t count) {
  PerModality part;
  for (const Matrix& matrix : all) part.push_back(slice(matrix, first, count));
  return part;
}

template <class Target>
[[nodiscard]] Batch<Target> slice(const Batch<Target>& all, std::size_t first, std::size_t count) {
  return {slice(all.inputs, first, count),
          slice(all.target, first, count),
          {slice(all.teachers.features, first, count), slice(all.teachers.logits, first, count)}};
}

}  // namespace g2d::reference::train
