// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <g2d/dataset/av_mnist.hpp>
#include <g2d/dataset/cremad.hpp>
#include <g2d/dataset/vggsound.hpp>

#include "dataset_choice.hpp"
#include "missing_files_option.hpp"

/// The paper's recipe for audio-visual data is what `Settings` begins with: ResNet-18, late fusion, SGD, 300 epochs.
[[nodiscard]] inline Settings audio_visual_recipe(const std::string& name) {
  Settings recipe;
  recipe.out = name + "-results";
  return recipe;
}

[[nodiscard]] inline DatasetChoice cremad_choice() {
  const auto options = std::make_shared<g2d::dataset::CremadOptions>();
  const auto add = [options](CLI::App& app) {
    const std::string group = "CREMA-D";
    add_missing_files_option(app, options->missing_files);
    app.add_option("--frames", options->num_frames, "of each clip")->group(group)->capture_default_str();
    app.add_option("--image-size", options->image_size)->group(group)->capture_default_str();
    app.add_option("--audio-seconds", options->audio_seconds)->group(group)->capture_default_str();
    app.add_option("--validation-fraction", options->validation_fraction, "of the training clips")
        ->group(group)
        ->capture_default_str();
  };
  return {.name = "cremad",
          .summary = "CREMA-D: six emotions, spoken and acted",
          .layout = "AudioWAV/*.wav, Image-01-FPS/<clip>/*.jpg, train.csv, test.csv (docs/guide/datasets/cremad.md)",
          .recipe = audio_visual_recipe("cremad"),
          .add_options = add,
          .open = [options](const Settings& settings, std::uint64_t seed) {
            options->seed = seed;
            options->augments = settings.augments;
            return make_ready(g2d::dataset::read_cremad(settings.data, *options), settings);
          }};
}

[[nodiscard]] inline DatasetChoice av_mnist_choice() {
  const auto options = std::make_shared<g2d::dataset::AvMnistOptions>();
  const auto add = [options](CLI::App& app) {
    app.add_option("--validation-fraction", options->validation_fraction, "of the training samples")
        ->group("AV-MNIST")
        ->capture_default_str();
  };
  return {.name = "av_mnist",
          .summary = "AV-MNIST: handwritten and spoken digits, as .npy files",
          .layout =
              "image/{train,test}_data.npy, audio/{train,test}_data.npy, {train,test}_labels.npy "
              "(docs/guide/datasets/av-mnist.md)",
          .recipe = audio_visual_recipe("av_mnist"),
          .add_options = add,
          .open = [options](const Settings& settings, std::uint64_t seed) {
            options->seed = seed;
            return make_ready(g2d::dataset::read_av_mnist(settings.data, *options), settings);
          }};
}

[[nodiscard]] inline DatasetChoice vggsound_choice() {
  const auto options = std::make_shared<g2d::dataset::VggsoundOptions>();
  const auto add = [options](CLI::App& app) {
    const std::string group = "VGGSound";
    add_missing_files_option(app, options->missing_files);
    app.add_option("--classes", options->num_classes, "that the list has to name; 0: any number")
        ->group(group)
        ->capture_default_str();
    app.add_option("--frames", options->num_frames, "of each clip")->group(group)->capture_default_str();
    app.add_option("--image-size", options->image_size)->group(group)->capture_default_str();
    app.add_option("--validation-fraction", options->validation_fraction, "of the training clips")
        ->group(group)
        ->capture_default_str();
  };
  auto recipe = audio_visual_recipe("vggsound");
  recipe.loading = "stream";
  return {.name = "vggsound",
          .summary = "VGGSound: 309 kinds of sound, heard and seen",
          .layout =
              "vggsound.csv, audio/{train,test}/*.wav, video/frames/{train,test}/Image-01-FPS/<clip>/*.jpg "
              "(docs/guide/datasets/vggsound.md)",
          .recipe = recipe,
          .add_options = add,
          .open = [options](const Settings& settings, std::uint64_t seed) {
            options->seed = seed;
            options->augments = settings.augments;
            return make_ready(g2d::dataset::read_vggsound(settings.data, *options), settings);
          }};
}
