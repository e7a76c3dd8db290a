// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/data/read_audio_visual_digits.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/data/synthetic_digits.hpp>

#include "digits_settings.hpp"

struct DigitsData {
  g2d::data::Splits<g2d::data::InMemory> splits;
  std::string description;
};

/// Real digits from a folder, or made-up ones, as datasets of the modalities "audio" and "image".
[[nodiscard]] inline DigitsData load_digits(const DigitsSettings& settings, std::uint64_t seed, const at::Device& device) {
  const g2d::data::Splits<std::int64_t> sizes{settings.samples[0], settings.samples[1], settings.samples[2]};
  const auto digits = [&] {
    if (settings.data.empty()) {
      g2d::data::SyntheticDigitsOptions options;
      options.samples = sizes;
      options.audio_strength = settings.audio_strength;
      options.image_strength = settings.image_strength;
      options.audio_noise = settings.audio_noise.value_or(options.audio_noise);
      options.image_noise = settings.image_noise.value_or(options.image_noise);
      options.noise_correlation = settings.noise_correlation;
      options.seed = seed;
      return g2d::data::make_synthetic_digits(options);
    }
    g2d::data::AudioVisualDigitsOptions options;
    options.pairing.pairs = sizes;
    options.pairing.test_speakers = settings.test_speakers;
    options.pairing.validation_speakers = settings.validation_speakers;
    options.pairing.seed = seed;
    options.audio_noise = settings.audio_noise.value_or(options.audio_noise);
    options.image_noise = settings.image_noise.value_or(options.image_noise);
    return g2d::data::read_audio_visual_digits(settings.data, options);
  }();
  const auto in_memory = [&](const g2d::data::AudioVisualSplit& split) {
    return g2d::data::InMemory({"audio", "image"}, {split.audio, split.image}, split.labels, split.sample_ids).to(device);
  };
  return {g2d::data::map_splits(in_memory, digits.splits), digits.description};
}
