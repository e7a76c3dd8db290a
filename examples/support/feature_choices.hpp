// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <utility>

#include <g2d/dataset/iemocap.hpp>
#include <g2d/dataset/manifest.hpp>
#include <g2d/dataset/ur_funny.hpp>

#include "dataset_choice.hpp"
#include "missing_files_option.hpp"

inline constexpr const char* features_layout =
    "train.npz, validation.npz, test.npz with text, audio, vision [N, T, D], their lengths and labels "
    "(docs/guide/feature-files.md)";

[[nodiscard]] inline Settings features_recipe(const std::string& name) {
  Settings recipe;
  recipe.encoders = {"transformer"};
  recipe.optimizer = "adam";
  recipe.learning_rate = 1e-4;
  recipe.batch_size = 32;
  recipe.epochs = 40;
  recipe.out = name + "-results";
  return recipe;
}

template <class Read>
[[nodiscard]] DatasetChoice features_choice(const std::string& name, const std::string& summary, Read read) {
  const auto options = std::make_shared<g2d::dataset::FeatureFilesOptions>();
  const auto add = [options](CLI::App& app) {
    const std::string group = "Features";
    app.add_option("--modalities", options->modalities)->group(group)->capture_default_str();
    app.add_option("--class-names", options->class_names, "default: the dataset's, or numbers")->group(group);
    app.add_option("--max-length", options->max_length, "longer sequences keep their last steps; default: all of them")
        ->group(group);
  };
  return {.name = name,
          .summary = summary,
          .layout = features_layout,
          .recipe = features_recipe(name),
          .add_options = add,
          .open = [options, read](const Settings& settings, std::uint64_t seed) {
            options->seed = seed;
            return make_ready(read(settings.data, *options), settings);
          }};
}

[[nodiscard]] inline DatasetChoice ur_funny_choice() {
  return features_choice(
      "ur_funny", "UR-Funny: is the punchline funny? text, audio, vision",
      [](const auto& folder, const auto& options) { return g2d::dataset::read_ur_funny(folder, options); });
}

[[nodiscard]] inline DatasetChoice iemocap_choice() {
  return features_choice(
      "iemocap", "IEMOCAP: emotions of dialogues; text, audio, vision",
      [](const auto& folder, const auto& options) { return g2d::dataset::read_iemocap(folder, options); });
}

[[nodiscard]] inline DatasetChoice manifest_choice() {
  const auto options = std::make_shared<g2d::dataset::ManifestOptions>();
  auto recipe = features_recipe("manifest");
  recipe.encoders = {"auto"};
  recipe.augments = false;
  const auto add = [options](CLI::App& app) {
    const std::string group = "Manifest";
    add_missing_files_option(app, options->missing_files);
    app.add_option("--label-column", options->label_column)->group(group)->capture_default_str();
    app.add_option("--class-names", options->class_names, "in the order of their numbers; default: the labels found")
        ->group(group);
    app.add_option("--group-column", options->group_column,
                   "speaker or patient: rows of one group stay in one split; may be missing")
        ->group(group)
        ->capture_default_str();
    app.add_option("--target-columns", options->target_columns, "numbers to predict instead of a label")->group(group);
    app.add_option("--target-unit", options->target_unit)->group(group);
    app.add_option("--member", options->sequence.member, "which array of .npz files; default: the only one")
        ->group(group);
    app.add_option("--image-size", options->image.size)->group(group)->capture_default_str();
    app.add_option("--audio-seconds", options->audio.seconds, "longer recordings are cut behind, and counted")
        ->group(group)
        ->capture_default_str();
    app.add_option("--sample-rate", options->audio.sample_rate, "recordings are resampled to it")
        ->group(group)
        ->capture_default_str();
  };
  return {.name = "manifest",
          .summary = "your own: a CSV or JSON that lists files and columns",
          .layout =
              "a file with the columns id, label or target:<name>, image:<name>, audio:<name>, ... "
              "(docs/guide/datasets/manifest.md)",
          .recipe = recipe,
          .add_options = add,
          .open = [options](Settings settings, std::uint64_t seed) {
            using g2d::dataset::UnreadableSamples;
            options->seed = seed;
            options->augments = settings.augments;
            // Before the rows are divided, and not once more behind.
            const bool drops = std::exchange(settings.unreadable_samples, "refuse") == "drop";
            options->unreadable_samples = drops ? UnreadableSamples::Drop : UnreadableSamples::Refuse;
            return make_ready(g2d::dataset::read_manifest(settings.data, *options), settings);
          }};
}
