// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include <g2d/dataset/houses.hpp>
#include <g2d/dataset/mis_me.hpp>

#include "dataset_choice.hpp"
#include "missing_files_option.hpp"

[[nodiscard]] inline Settings regression_recipe(const std::string& name) {
  Settings recipe;
  recipe.optimizer = "adamw";
  recipe.learning_rate = 1e-3;
  recipe.weight_decay = 1e-2;
  recipe.batch_size = 32;
  recipe.out = name + "-results";
  return recipe;
}

[[nodiscard]] inline DatasetChoice houses_choice() {
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

[[nodiscard]] inline DatasetChoice mis_me_choice() {
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
