// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/synthetic_trimodal.hpp>

#include "dataset_choice.hpp"

[[nodiscard]] inline DatasetChoice trimodal_choice_of(const std::string& name, const std::string& summary,
                                                      bool is_regression) {
  const auto options = std::make_shared<g2d::dataset::SyntheticTrimodalOptions>();
  const auto samples = std::make_shared<std::vector<std::int64_t>>(
      std::vector{options->samples.train, options->samples.validation, options->samples.test});
  Settings recipe;
  recipe.encoders = {"gru", "small-cnn", "mlp"};
  recipe.feature_width = 64;
  recipe.confidence = "held-out";
  recipe.epochs = 20;
  recipe.batch_size = 32;
  recipe.learning_rate = 0.02;
  recipe.drop_after = 0.7;
  // Distilled values add to the curvature that SGD meets, and with features of an untrained encoder it diverges.
  if (is_regression) {
    recipe.optimizer = "adamw";
    recipe.learning_rate = 1e-3;
    recipe.weight_decay = 1e-2;
  }
  recipe.out = name + "-results";
  const auto add = [options, samples](CLI::App& app) {
    const std::string group = "Trimodal";
    app.add_option("--samples", *samples, "training, validation and test samples")
        ->expected(3)
        ->group(group)
        ->capture_default_str();
    const auto add_modality = [&](const std::string& modality, g2d::dataset::SyntheticModality& of) {
      app.add_option("--" + modality + "-noise", of.noise, "in standard deviations")
          ->group(group)
          ->capture_default_str();
      app.add_option("--" + modality + "-strength", of.strength, "0 says nothing, 1 most")
          ->group(group)
          ->capture_default_str();
    };
    add_modality("audio", options->audio);
    add_modality("image", options->image);
    add_modality("text", options->text);
    app.add_option("--noise-correlation", options->noise_correlation, "-0.5 to 1")->group(group)->capture_default_str();
  };
  const auto open = [options, samples, is_regression](const Settings& settings, std::uint64_t seed) -> OpenedDataset {
    if (!settings.data.empty()) {
      throw g2d::ConfigError(
          fmt::format("--data: expected none, for these samples are made up, got {}", settings.data));
    }
    options->samples = {samples->at(0), samples->at(1), samples->at(2)};
    options->seed = seed;
    auto made = is_regression ? g2d::dataset::make_synthetic_regression(*options)
                              : g2d::dataset::make_synthetic_trimodal(*options);
    const auto to_device = [&](const g2d::data::InMemory& split) -> g2d::data::Any {
      return split.to(at::Device(settings.device));
    };
    return {g2d::data::map_splits(to_device, made.splits), std::move(made.target), std::move(made.description), {}};
  };
  return {.name = name,
          .summary = summary,
          .layout = "nothing: the samples are made up",
          .recipe = recipe,
          .add_options = add,
          .open = open,
          .shrink = [samples](Settings&) { *samples = {200, 100, 100}; },
          .needs_data = false};
}

/// Six made-up classes that are heard, seen and written about.
[[nodiscard]] inline DatasetChoice trimodal_choice() {
  return trimodal_choice_of("trimodal", "made-up tones, stripes and words -> six classes", false);
}

/// A made-up number behind the same.
[[nodiscard]] inline DatasetChoice trimodal_regression_choice() {
  return trimodal_choice_of("trimodal-regression", "made-up tones, stripes and words -> a number", true);
}
