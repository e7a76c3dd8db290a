// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Trains teachers, then students, to predict a number from photographs and a table.
//
//   train_image_tabular houses --data DIR
//   train_image_tabular houses --data DIR --modalities frontal kitchen table --shared-encoder frontal kitchen
//   train_image_tabular mis_me --data DIR --inspect
//
// Prints and writes what train_audio_visual does; errors are in the unit of the target.

#include <cstdint>
#include <memory>
#include <string>

#include <g2d/dataset/houses.hpp>
#include <g2d/dataset/mis_me.hpp>

#include "support/missing_files_option.hpp"
#include "support/trainer_program.hpp"

namespace {

/// Regressions distil values, not probabilities.
Settings regression_recipe(const std::string& name) {
  Settings recipe;
  recipe.logit_distillation = "mse";
  recipe.optimizer = "adamw";
  recipe.learning_rate = 1e-3;
  recipe.weight_decay = 1e-2;
  recipe.batch_size = 32;
  recipe.out = name + "-results";
  return recipe;
}

DatasetChoice houses_choice() {
  const auto options = std::make_shared<g2d::dataset::HousesOptions>();
  auto recipe = regression_recipe("houses");
  recipe.encoders = {"auto"};
  recipe.epochs = 30;
  recipe.confidence = "held-out";  // A few hundred houses: teachers learn them by heart, and rho on them ranks wrongly.
  const auto add = [options](CLI::App& app) {
    const std::string group = "Houses";
    add_missing_files_option(app, options->missing_files);
    app.add_option("--modalities", options->modalities, "two to five of them")->group(group)->capture_default_str();
    app.add_option("--image-size", options->image_size)->group(group)->capture_default_str();
  };
  return {.name = "houses",
          .summary = "Houses: four photographs and a table -> the price in USD",
          .layout = "<n>_{bathroom,bedroom,frontal,kitchen}.jpg, HousesInfo.txt (docs/guide/datasets/houses.md)",
          .recipe = recipe,
          .add_options = add,
          .open =
              [options](const Settings& settings, std::uint64_t seed) {
                options->seed = seed;
                options->augments = settings.augments;
                return make_ready(g2d::dataset::read_houses(settings.data, *options), settings);
              },
          .shrink = [options](Settings&) { options->image_size = 32; }};
}

DatasetChoice mis_me_choice() {
  const auto options = std::make_shared<g2d::dataset::MisMeOptions>();
  auto recipe = regression_recipe("mis_me");
  recipe.encoders = {"auto"};
  recipe.augments = false;
  const auto add = [options](CLI::App& app) {
    const std::string group = "MIS-ME";
    add_missing_files_option(app, options->missing_files);
    app.add_option("--image-size", options->image_size)->group(group)->capture_default_str();
    app.add_option("--target-column", options->target_column)->group(group)->capture_default_str();
    app.add_option("--target-unit", options->target_unit)->group(group)->capture_default_str();
    app.add_option("--number-columns", options->number_columns)->group(group)->capture_default_str();
    app.add_option("--category-columns", options->category_columns)->group(group);
  };
  return {.name = "mis_me",
          .summary = "MIS-ME: a photograph of soil and the weather -> its moisture",
          .layout = "images/*.jpg, labels.csv (docs/guide/datasets/mis-me.md)",
          .recipe = recipe,
          .add_options = add,
          .open = [options](const Settings& settings, std::uint64_t seed) {
            options->seed = seed;
            options->augments = settings.augments;
            return make_ready(g2d::dataset::read_mis_me(settings.data, *options), settings);
          }};
}

}  // namespace

int main(int argc, char** argv) {
  return run_trainer(argc, argv, "Trains G2D and its baselines to predict a number from photographs and a table.",
                     {houses_choice(), mis_me_choice()});
}
