// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

namespace g2d::method {

/// Joint training: the supervised loss on the fused output, nothing else. With one modality it is unimodal training,
/// which makes the teachers.
///
///     L = L_task(z, y)
///
/// Use when   a baseline, or a teacher, is trained.
/// Source     the baseline of every paper of the field.
template <task::TaskPolicy Task>
class JointTraining : public Stack<Supervised<Task>> {
 public:
  explicit JointTraining(Task task = Task()) : Stack<Supervised<Task>>(Supervised<Task>(std::move(task))) {}
};

}  // namespace g2d::method
