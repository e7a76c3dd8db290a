// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/learning_rate/schedule.hpp>
#include <g2d/recipe/recipe.hpp>
#include <g2d/train/trainer_options.hpp>

namespace g2d::recipe {

/// The settings of a recipe for `Trainer`, of the student and of its teachers; what a recipe does not say is as it was.
[[nodiscard]] inline TrainerOptions trainer_options(const Recipe& recipe, TrainerOptions options = {}) {
  options.optimizer = recipe.optimizer;
  options.num_epochs = recipe.num_epochs;
  options.batch_size = recipe.batch_size;
  options.seed = recipe.seed;
  options.learning_rate = learning_rate::step(recipe.step_lr_period, recipe.step_lr_factor);
  options.selection = Selection::BestValidation;
  options.calibrate_norm_statistics = recipe.calibrate_norm_statistics;
  return options;
}

}  // namespace g2d::recipe
