// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/method/prioritization.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/schedule/sequential.hpp>

namespace g2d::method {

/// Gradient-Guided Distillation: the supervised loss, distillation from unimodal teachers, and modality prioritization.
///
///     L = L_task(z, y) + alpha sum_m L_feature(h_m, h^T_m) + beta sum_m L_logit(z, z^T_m)
///     theta_m <- theta_m - eta kappa_m dL/dtheta_m, kappa from the schedule
///
/// Use when   some modalities stay weak in joint training and their unimodal teachers are better.
/// Shapes     see `Distillation`.
/// Cost       the terms of `Distillation`; suppressed encoders save theirs. Inference: nothing.
/// Errors     those of its parts, before the first step.
/// Source     Rakib & Bagavathi 2025, arXiv:2506.21514. Defaults: alpha = beta = tau = 1, MSE features, KL logits, SMP.
/// Deviates   see docs/guide/paper-and-code.md, setting by setting.
/// Reference  g2d/reference/train/step.hpp
template <task::TaskPolicy Task, distillation::DistillationPolicy Feature = distillation::Mse,
          distillation::DistillationPolicy Logit = distillation::Kl,
          schedule::SchedulePolicy Schedule = schedule::Sequential<>,
          distillation::connector::ConnectorPolicy Connector = distillation::connector::Identity>
class G2d : public Stack<Supervised<Task>, Distillation<Task, Feature, Logit, Connector>, Prioritization<Schedule>> {
 public:
  explicit G2d(DistillationOptions options = {}, Task task = Task(), Feature feature = Feature(), Logit logit = Logit(),
               Schedule schedule = Schedule(), Connector connector = Connector(),
               PrioritizationOptions prioritization = {})
      : Stack<Supervised<Task>, Distillation<Task, Feature, Logit, Connector>, Prioritization<Schedule>>(
            Supervised<Task>(task),
            Distillation<Task, Feature, Logit, Connector>(std::move(options), task, std::move(feature),
                                                          std::move(logit), std::move(connector)),
            Prioritization<Schedule>(std::move(schedule), prioritization)) {}

  /// Its stages, and the one of the current epoch.
  [[nodiscard]] const Prioritization<Schedule>& prioritization() const { return this->template get<2>(); }
};

}  // namespace g2d::method
