// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/recipe/recipe.hpp>

namespace g2d::recipe {

/// What the authors' published code does: in every batch of epochs 0 to 150 the convolution gradients of the modality with
/// the surer teacher are multiplied by 0. The seed redoes their run: `make_student` draws in their order.
///
/// Use when   their numbers are to be repeated. The best test epoch is reported as they do; do not compare it with others'.
/// Source     github.com/rAIson-Lab/G2D, setting by setting in docs/guide/paper-and-code.md.
[[nodiscard]] inline Recipe official_code() {
  return {.name = "official-code",
          .fusion = "late",
          .readout = "authors",
          .feature_distillation = "mse",
          .logit_distillation = "kl",
          .schedule = schedule::Batchwise<suppression::ZeroedGradients>({.first_epoch = 0, .last_epoch = 150}),
          .calibrates_norms = false,
          .selection = Selection::BestTest};
}

}  // namespace g2d::recipe
