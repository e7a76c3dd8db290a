// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>

#include <g2d/reference/types.hpp>

namespace g2d::reference {

/// A task says what the targets are (`Target`), what a batch of logits costs against them, and the gradient of that
/// cost.
template <class Task>
concept TaskPolicy = requires(const Task& task, const Matrix& logits, const typename Task::Target& target) {
  { task.value(logits, target) } -> std::same_as<double>;
  { task.gradient(logits, target) } -> std::same_as<Matrix>;
};

}  // namespace g2d::reference
