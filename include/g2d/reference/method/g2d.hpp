// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/distillation/concept.hpp>
#include <g2d/reference/fusion/output.hpp>
#include <g2d/reference/method/terms.hpp>
#include <g2d/reference/task/concept.hpp>
#include <g2d/reference/teacher/outputs.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::method {

/// The loss of gradient-guided distillation; h_m are the features that the fusion hands on, z the fused logits:
///
///     L = L_task(z, y) + alpha sum_m L_feature(h_m, teacher h_m) + beta sum_m L_logit(z, teacher z_m)
///
/// Errors     ShapeError unless the teachers' features, and their logits, are M or none; what the policies throw.
/// Source     Rakib & Bagavathi 2025, arXiv:2506.21514.
template <TaskPolicy Task, DistillationPolicy FeatureDistillation, DistillationPolicy LogitDistillation>
struct G2d {
  using Target = typename Task::Target;

  Task task;
  FeatureDistillation feature;
  LogitDistillation logit;
  double feature_weight = 1.0;  ///< alpha
  double logit_weight = 1.0;    ///< beta

  [[nodiscard]] Terms terms(const fusion::Output& student, const Target& target,
                            const teacher::Outputs& teachers) const {
    check(student, teachers);
    Terms terms;
    terms.task = task.value(student.logits, target);
    terms.total = terms.task;
    for (std::size_t m = 0; m < teachers.features.size(); ++m) {
      terms.feature.push_back(feature.value(student.features[m], teachers.features[m]));
      terms.total += feature_weight * terms.feature[m];
    }
    for (std::size_t m = 0; m < teachers.logits.size(); ++m) {
      terms.logit.push_back(logit.value(student.logits, teachers.logits[m]));
      terms.total += logit_weight * terms.logit[m];
    }
    return terms;
  }

  /// dL/dh_m and dL/dz.
  [[nodiscard]] fusion::OutputGradient gradient(const fusion::Output& student, const Target& target,
                                                const teacher::Outputs& teachers) const {
    check(student, teachers);
    fusion::OutputGradient gradient;
    gradient.logits = task.gradient(student.logits, target);
    for (const Matrix& teacher_logits : teachers.logits) {
      gradient.logits += logit_weight * logit.gradient(student.logits, teacher_logits);
    }
    for (const Matrix& features : student.features) {
      gradient.features.push_back(Matrix::Zero(features.rows(), features.cols()));
    }
    for (std::size_t m = 0; m < teachers.features.size(); ++m) {
      gradient.features[m] += feature_weight * feature.gradient(student.features[m], teachers.features[m]);
    }
    return gradient;
  }

  void check(const fusion::Output& student, const teacher::Outputs& teachers) const {
    const std::size_t num_modalities = student.features.size();
    if (!teachers.features.empty()) {
      detail::check_count(teachers.features.size(), num_modalities, "teachers' features", "method::G2d");
    }
    if (!teachers.logits.empty()) {
      detail::check_count(teachers.logits.size(), num_modalities, "teachers' logits", "method::G2d");
    }
  }
};

}  // namespace g2d::reference::method
