// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/in_memory.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/digits_imbalance.hpp>
#include <g2d/dataset/read_audio_visual_digits.hpp>
#include <g2d/dataset/synthetic_digits.hpp>

#include "dataset_choice.hpp"

/// What only the digits can be told.
struct DigitsOptions {
  std::vector<std::int64_t> samples;  // empty: by the kind of digits
  std::string imbalance = "audio-strong";
  std::optional<double> audio_noise;
  std::optional<double> image_noise;
  double audio_strength = 1.0;
  double image_strength = 1.0;
  double noise_correlation = 0.0;
  std::vector<std::string> test_speakers;
  std::vector<std::string> validation_speakers;
};

inline void add_digits_options(CLI::App& app, DigitsOptions& options) {
  const std::string group = "Digits";
  app.add_option("--samples", options.samples,
                 "training, validation and test samples; default: 4000 1000 2000 for real digits, 1600 500 1000 for "
                 "made-up ones")
      ->expected(3)
      ->group(group);
  app.add_option("--imbalance", options.imbalance, "made-up digits: which modality says more")
      ->group(group)
      ->capture_default_str()
      ->check(CLI::IsMember(
          std::vector<std::string>(g2d::dataset::digits_imbalances.begin(), g2d::dataset::digits_imbalances.end())));
  app.add_option("--audio-noise", options.audio_noise,
                 "in standard deviations of the spectrogram; default: 0.8 for real digits, 1.5 for made-up ones of the "
                 "imbalance audio-strong")
      ->group(group);
  app.add_option("--image-noise", options.image_noise,
                 "in standard deviations of the image; default: 3.3 for real digits, 4.5 for made-up ones of the "
                 "imbalance audio-strong")
      ->group(group);
  app.add_option("--audio-strength", options.audio_strength, "made-up digits: 0 says nothing, 1 most")
      ->group(group)
      ->capture_default_str();
  app.add_option("--image-strength", options.image_strength, "made-up digits: 0 says nothing, 1 most")
      ->group(group)
      ->capture_default_str();
  app.add_option("--noise-correlation", options.noise_correlation, "made-up digits: -1 to 1")
      ->group(group)
      ->capture_default_str();
  app.add_option("--test-speakers", options.test_speakers, "real digits: these speakers are heard in the test only")
      ->group(group);
  app.add_option("--validation-speakers", options.validation_speakers, "real digits: with --test-speakers")
      ->group(group);
}

[[nodiscard]] inline g2d::data::Splits<std::int64_t> num_samples(const DigitsOptions& options,
                                                                 std::vector<std::int64_t> by_default) {
  const auto& sizes = options.samples.empty() ? by_default : options.samples;
  return {sizes[0], sizes[1], sizes[2]};
}

[[nodiscard]] inline g2d::dataset::AudioVisualDigits make_up_digits(const DigitsOptions& given, std::uint64_t seed) {
  auto options = g2d::dataset::synthetic_digits_options(given.imbalance);
  options.samples = num_samples(given, {1600, 500, 1000});
  options.audio_strength = given.audio_strength;
  options.image_strength = given.image_strength;
  options.audio_noise = given.audio_noise.value_or(options.audio_noise);
  options.image_noise = given.image_noise.value_or(options.image_noise);
  options.noise_correlation = given.noise_correlation;
  options.seed = seed;
  return g2d::dataset::make_synthetic_digits(options);
}

[[nodiscard]] inline g2d::dataset::AudioVisualDigits read_digits(const DigitsOptions& given, const std::string& folder,
                                                                 std::uint64_t seed) {
  g2d::dataset::AudioVisualDigitsOptions options;
  options.pairing.pairs = num_samples(given, {4000, 1000, 2000});
  options.pairing.test_speakers = given.test_speakers;
  options.pairing.validation_speakers = given.validation_speakers;
  options.pairing.seed = seed;
  options.audio_noise = given.audio_noise.value_or(options.audio_noise);
  options.image_noise = given.image_noise.value_or(options.image_noise);
  return g2d::dataset::read_audio_visual_digits(folder, options);
}

[[nodiscard]] inline OpenedDataset open_digits(const DigitsOptions& options, const Settings& settings,
                                               std::uint64_t seed) {
  auto digits = settings.data.empty() ? make_up_digits(options, seed) : read_digits(options, settings.data, seed);
  const auto in_memory = [&](const g2d::dataset::AudioVisualSplit& split) -> g2d::data::Any {
    return g2d::data::InMemory({"audio", "image"}, {split.audio, split.image}, split.labels, split.sample_ids)
        .to(at::Device(settings.device));
  };
  std::vector<std::string> names;
  for (int digit = 0; digit < 10; ++digit) names.push_back(std::to_string(digit));
  return {g2d::data::map_splits(in_memory, digits.splits),
          {g2d::OutputKind::Classes, 10, std::move(names), {}},
          std::move(digits.description),
          {}};
}

/// Digits heard and seen: made up without --data, else MNIST images and the Free Spoken Digit recordings.
[[nodiscard]] inline DatasetChoice digits_choice(
    const std::shared_ptr<DigitsOptions>& options = std::make_shared<DigitsOptions>()) {
  Settings recipe;
  recipe.encoders = {"small-cnn"};
  recipe.confidence = "held-out";
  recipe.alone_share =
      0.1;  // A weak modality that is alone for long learns its samples by heart (docs/results/digits.md).
  recipe.epochs = 16;
  recipe.batch_size = 64;
  recipe.learning_rate = 0.02;
  recipe.drop_after = 0.7;
  recipe.out = "digits-results";
  return {
      .name = "digits",
      .summary = "digits that are heard and seen; made up without --data",
      .layout = "train-images-idx3-ubyte[.gz], train-labels-idx1-ubyte[.gz], t10k-...; fsdd/0_george_0.wav, ...",
      .recipe = recipe,
      .add_options = [options](CLI::App& app) { add_digits_options(app, *options); },
      .open = [options](const Settings& settings, std::uint64_t seed) { return open_digits(*options, settings, seed); },
      .shrink = [options](Settings&) { options->samples = {200, 100, 100}; },
      .needs_data = false};
}
