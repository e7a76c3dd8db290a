// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/recipe/recipe.hpp>
#include <g2d/schedule/batchwise.hpp>
#include <g2d/suppression/parameter_filter.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>

namespace g2d::recipe {

/// What the authors' published code does: in every batch of epochs 0 to 150 the convolution gradients of the modality
/// with the surer teacher are multiplied by 0. `make_student` draws its weights from the seed as their Python does.
///
/// Use when   their numbers are to be repeated. They report the best test epoch: compare that with nothing else.
/// Source     github.com/rAIson-Lab/G2D, setting by setting in docs/guide/paper-and-code.md.
[[nodiscard]] inline Recipe official_code() {
  return {.name = "official-code",
          .fusion = "late",
          .readout = "authors",
          .feature_distillation = "mse",
          .logit_distillation = "kl",
          .schedule = schedule::Batchwise({.first_epoch = 0, .last_epoch = 150},
                                          suppression::ZeroedGradients({.filter = suppression::official_filter()})),
          .calibrate_norm_statistics = false,
          .selects_on_test = true};
}

}  // namespace g2d::recipe
