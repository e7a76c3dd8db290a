// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <concepts>
#include <cstddef>

#include <g2d/core/per_modality.hpp>
#include <g2d/core/shared_log_softmax.hpp>
#include <g2d/distillation/concept.hpp>
#include <g2d/distillation/detail/present.hpp>

namespace g2d::distillation {

/// The mean of a formula over the samples that `present` [B] names, over all when it is undefined; 0 when it names
/// none. Whatever the teacher says of the others, NaN above all, does not count.
template <DistillationPolicy Distillation>
[[nodiscard]] at::Tensor mean_to(const Distillation& distillation, const at::Tensor& student, const at::Tensor& teacher,
                                 const at::Tensor& present) {
  if (!present.defined()) return distillation(student, teacher);
  return distillation.per_sample(student, detail::known(teacher, present))
      .mul(detail::shares(present, student.scalar_type()))
      .sum();
}

/// `mean_to` of one student to each of several teachers: M scalars. `present` has a column [B] for each teacher, or is
/// empty.
///
/// A formula that is `ComparesWithEach` does it in one go, with the student's log-softmax from `shared` where it takes
/// one; for any other it is done one after the other.
template <DistillationPolicy Distillation>
[[nodiscard]] PerModality<at::Tensor> mean_to_each(const Distillation& distillation, const at::Tensor& student,
                                                   ModalitySpan<at::Tensor> teachers, ModalitySpan<at::Tensor> present,
                                                   const SharedLogSoftmax& shared = {}) {
  if constexpr (ComparesWithEach<Distillation>) {
    return distillation.mean_to_each(student, teachers, present, shared);
  } else {
    PerModality<at::Tensor> means;
    for (std::size_t m = 0; m < teachers.size(); ++m) {
      means.push_back(mean_to(distillation, student, teachers[m], present.empty() ? at::Tensor() : present[m]));
    }
    return means;
  }
}

}  // namespace g2d::distillation
