// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <optional>

#include <g2d/core/batch.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/method/student_view.hpp>

namespace g2d::method {

/// What a method knows before the first epoch.
struct Setup {
  ModalityNames names;
  PerModality<std::int64_t> feature_widths;  ///< Of the features that the student's fusion hands on.
  std::int64_t num_outputs = 0;
  std::int64_t num_epochs = 0;
  std::optional<TeacherSummary> teachers = {};  ///< Empty when there are none.
  const StudentView* student = nullptr;         ///< Null when a policy is begun without a student.
};

/// What a method knows in a step.
struct StepContext {
  std::int64_t epoch = 0;  ///< 0-based.
  std::int64_t step = 0;   ///< 0-based, over the whole run.
  const Batch& batch;
  const TeacherOutputs* teachers = nullptr;
  std::int64_t substep = 0;  ///< 0-based, within the step; see `Plan::num_substeps`.
  const StudentView* student = nullptr;
  bool is_observed = false;  ///< An observer sees the step: terms are wanted modality by modality.
};

}  // namespace g2d::method
