// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <cstdint>
#include <vector>

#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/schedule/stage.hpp>
#include <g2d/suppression/concept.hpp>

/// Schedules: when a modality learns. How strongly the others are held back is the suppression policy inside.
///
/// | policy | stages | use when |
/// |---|---|---|
/// | `Sequential` | each modality alone, weak to strong, then all | the paper's prioritization; the default |
/// | `Batchwise`  | in each batch the modality with the surer teacher is suppressed | the authors' code |
/// | `Joint`      | one: all modalities, always | no prioritization |
///
/// A schedule is a plain class:
///
///     struct Mine {
///       std::vector<g2d::schedule::Stage> stages(const g2d::schedule::Run& run) const;   // throws ConfigError
///       const Suppression& suppression() const;                                          // a SuppressionPolicy
///       static constexpr bool needs_confidence = true;                                   // optional: run.confidence
///       is read
///     };
namespace g2d::schedule {

/// What a schedule plans for.
struct Run {
  ModalityNames names;
  PerModality<double> confidence;  ///< rho of the teachers; empty when there are none.
  std::int64_t num_epochs = 0;
};

namespace detail {

template <class Schedule>
concept PlansStages = requires(const Schedule& schedule, const Run& run) {
  { schedule.stages(run) } -> std::same_as<std::vector<Stage>>;
};

template <class Schedule>
concept HasSuppression = requires(const Schedule& schedule) {
  requires suppression::SuppressionPolicy<std::remove_cvref_t<decltype(schedule.suppression())>>;
};

}  // namespace detail

template <class Schedule>
concept SchedulePolicy = detail::PlansStages<Schedule> && detail::HasSuppression<Schedule>;

}  // namespace g2d::schedule
