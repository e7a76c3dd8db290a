// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/fusion/cosine.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/method/detail/student_of.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

namespace g2d::method {

/// Supervised training of a fusion whose heads see directions alone (MMCosine): no modality wins by longer features.
///
///     L = L_task(sum_m s cos(h_m, W_m), y)
///
/// Complete: it brings the task's loss. All that is particular to it is `fusion::Cosine`, which it asks for.
///
/// Use when   one modality's features or weights grow and drown the others.
/// Shapes     any M.
/// Cost       the fusion's.
/// Errors     ConfigError at `begin` for another fusion.
/// Source     Xu et al. 2023, arXiv:2303.05338, and its published code.
/// Deviates   training and evaluation share the cosine heads; the published validation scores the plain ones. The
///            code's contrastive term has weight 0 by default and is left out.
template <task::TaskPolicy Task>
class MmCosine : public Stack<Supervised<Task>> {
 public:
  explicit MmCosine(Task task = Task()) : Stack<Supervised<Task>>(Supervised<Task>(std::move(task))) {}

  void begin(const Setup& setup) {
    if (detail::student_of(setup, "MmCosine").fusion().template get_if<fusion::Cosine>() == nullptr) {
      throw ConfigError("g2d: method::MmCosine: expected a student with fusion::Cosine, got another fusion");
    }
    Stack<Supervised<Task>>::begin(setup);
  }
};

}  // namespace g2d::method
