// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <g2d/optimizer/settings.hpp>

namespace g2d {

/// What is looked at before an update to tell a step that must not count.
enum class FiniteCheck {
  Off,        ///< Nothing: a NaN destroys the weights.
  Loss,       ///< The total loss, which sees every input, target and teacher. The default.
  Gradients,  ///< The gradients too: one more pass over them. For arithmetic with a small range.
};

struct StepOptions {
  optimizer::Settings optimizer = optimizer::Sgd{};
  std::int64_t num_epochs = 1;  ///< Of the whole run; schedules divide it.
  double clip_norm = 0.0;       ///< Greatest norm of all gradients together; 0: no clipping.
  FiniteCheck finite_check = FiniteCheck::Loss;
};

}  // namespace g2d
