// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/recipe/recipe.hpp>

namespace g2d::recipe {

/// What the paper describes: sequential prioritization, weak modality first, of encoders that are truly frozen.
///
/// Use when   in doubt.
/// Source     arXiv:2506.21514; what it leaves open is the authors' code's or ours: docs/guide/paper-and-code.md.
[[nodiscard]] inline Recipe paper() {
  return {.name = "paper",
          .fusion = "late",
          .readout = "auto",
          .feature_distillation = "mse",
          .logit_distillation = "kl",
          .schedule = schedule::Sequential<suppression::Complete>(),
          .calibrate_norm_statistics = true,
          .selects_on_test = false};
}

}  // namespace g2d::recipe
