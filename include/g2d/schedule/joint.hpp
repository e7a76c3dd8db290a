// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include <g2d/schedule/concept.hpp>
#include <g2d/suppression/complete.hpp>

namespace g2d::schedule {

/// No prioritization: one stage, all modalities. The do-nothing policy of this axis.
///
/// Use when   the distillation loss alone is wanted, or a baseline.
/// Errors     none.
/// Source     joint training.
class Joint {
 public:
  [[nodiscard]] std::vector<Stage> stages(const Run& run) const {
    return {{.name = "all",
             .first_epoch = 0,
             .num_epochs = run.num_epochs,
             .suppressed = PerModality<bool>(run.names.size(), false)}};
  }
  [[nodiscard]] const suppression::Complete& suppression() const { return suppression_; }

 private:
  suppression::Complete suppression_;
};

static_assert(SchedulePolicy<Joint>);

}  // namespace g2d::schedule
