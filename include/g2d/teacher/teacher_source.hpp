// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/teacher/teachers.hpp>

namespace g2d {

/// Where a run gets its teachers' outputs from: `TeacherCache::source`, or `online`.
struct TeacherSource {
  std::function<TeacherOutputs(const Batch&)> outputs;
  TeacherSummary summary;
  /// The same but for the logits, where that costs less.
  std::function<TeacherOutputs(const Batch&)> without_logits = {};
  /// False where the outputs are found by the samples' ids: inputs that nobody else needs are not read then.
  bool needs_inputs = true;
};

/// Teachers that are run in every step: for data with random augmentation. `teachers` must outlive the source.
///
/// Cost       M forward passes a step, 20 to 30 % of a joint step where teachers and encoders are alike.
template <task::TaskPolicy Task>
[[nodiscard]] TeacherSource online(const Teachers& teachers, Task task, PerModality<double> confidence) {
  return {[&teachers, task = std::move(task)](const Batch& batch) { return teachers(batch, task); },
          teachers.summary(std::move(confidence))};
}

/// Teachers that go with the call would be gone in the first step: give them a name.
template <task::TaskPolicy Task>
TeacherSource online(const Teachers&& teachers, Task task, PerModality<double> confidence) = delete;

}  // namespace g2d
