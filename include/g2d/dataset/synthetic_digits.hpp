// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/randperm.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <optional>

#include <g2d/core/error.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/audio_visual_digits.hpp>
#include <g2d/dataset/detail/assemble_digits.hpp>
#include <g2d/dataset/detail/digit_streams.hpp>
#include <g2d/dataset/log_spectrogram.hpp>
#include <g2d/dataset/rendered_digits.hpp>
#include <g2d/dataset/spoken_digits.hpp>

namespace g2d::dataset {

/// Settings of make_synthetic_digits. By default audio is strong and learned fast, the image weak, as in the real data.
struct SyntheticDigitsOptions {
  data::Splits<std::int64_t> samples{4000, 1000, 2000};
  double audio_strength = 1.0;     ///< 0: audio says nothing of the class; 1: the classes are as far apart as they go.
  double image_strength = 1.0;     ///< The same for the image.
  double audio_noise = 1.5;        ///< Mean standard deviation, in units of the standardised spectrogram.
  double image_noise = 4.5;        ///< Mean standard deviation, in units of the standardised image.
  double noise_correlation = 0.0;  ///< -1 to 1: whether a sample that is noisy to the ear is noisy to the eye.
  LogSpectrogramOptions spectrogram{};
  std::uint64_t seed = 0;
};

namespace detail {

/// The standard deviation of each sample's noise in both modalities, [N] each.
struct NoiseLevels {
  at::Tensor audio;
  at::Tensor image;
};

/// noise * exp(z / 2 - 1 / 8), of mean `noise`, with z ~ N(0, 1) correlated between the modalities.
[[nodiscard]] inline NoiseLevels draw_noise_levels(std::int64_t count, const SyntheticDigitsOptions& options,
                                                   const at::Generator& generator) {
  const auto normal = [&] { return at::randn({count}, std::optional(generator), at::kFloat); };
  const auto level = [](const at::Tensor& z, double noise) { return z.mul(0.5).sub(0.125).exp() * noise; };
  const double correlation = options.noise_correlation;
  const auto audio = normal();
  const auto image = correlation * audio + std::sqrt(1 - correlation * correlation) * normal();
  return {level(audio, options.audio_noise), level(image, options.image_noise)};
}

inline void check_synthetic(const SyntheticDigitsOptions& options) {
  const auto check = [](bool holds, const char* expected, double got) {
    if (!holds)
      throw ConfigError(fmt::format("g2d: dataset::make_synthetic_digits: expected {}, got {}", expected, got));
  };
  for (const auto count : {options.samples.train, options.samples.validation, options.samples.test}) {
    check(count > 0, "at least one sample in each split", static_cast<double>(count));
  }
  for (const auto strength : {options.audio_strength, options.image_strength}) {
    check(strength >= 0 && strength <= 1, "strengths from 0 to 1", strength);
  }
  check(std::abs(options.noise_correlation) <= 1, "a noise correlation from -1 to 1", options.noise_correlation);
  check_noise(options.audio_noise, "audio");
  check_noise(options.image_noise, "image");
}

}  // namespace detail

/// Audio-visual digits out of nothing: render_digits and speak_digits with balanced classes, made by the same
/// log-spectrogram, standardisation and noise as real recordings. What can be learned from each modality, and whether
/// the hard samples of one are the hard ones of the other, is set by the options.
///
/// Errors     ConfigError naming the option that is out of range.
[[nodiscard]] inline AudioVisualDigits make_synthetic_digits(const SyntheticDigitsOptions& options = {}) {
  using detail::DigitStream;
  detail::check_synthetic(options);
  const auto generators = [&](DigitStream stream) { return detail::make_generators(options.seed, stream); };

  const auto labels = data::map_splits(
      [](std::int64_t count, const at::Generator& generator) {
        return at::randperm(count, std::optional(generator), at::kLong).remainder(10);
      },
      options.samples, generators(DigitStream::Labels));
  const auto levels = data::map_splits(
      [&](std::int64_t count, const at::Generator& generator) {
        return detail::draw_noise_levels(count, options, generator);
      },
      options.samples, generators(DigitStream::Difficulty));
  const detail::NoisyModality audio{
      data::map_splits(
          [&](const at::Tensor& split_labels, const at::Generator& generator) {
            return log_spectrogram(speak_digits(split_labels, options.audio_strength, generator), options.spectrogram);
          },
          labels, generators(DigitStream::Tones)),
      data::map_splits([](const detail::NoiseLevels& split) { return split.audio; }, levels)};
  const detail::NoisyModality image{
      data::map_splits(
          [&](const at::Tensor& split_labels, const at::Generator& generator) {
            return render_digits(split_labels, options.image_strength, generator);
          },
          labels, generators(DigitStream::Glyphs)),
      data::map_splits([](const detail::NoiseLevels& split) { return split.image; }, levels)};

  const auto& spectrogram = options.spectrogram;
  return detail::assemble_digits(
      audio, image, labels, options.seed,
      fmt::format(
          "synthetic digits; seed {}; samples {}, {}, {}; noise correlation {}; audio: strength {}, window {}, hop "
          "{}, bands {}, floor {}, noise {}; image: strength {}, noise {}",
          options.seed, options.samples.train, options.samples.validation, options.samples.test,
          options.noise_correlation, options.audio_strength, spectrogram.window, spectrogram.hop, spectrogram.bands,
          spectrogram.floor, options.audio_noise, options.image_strength, options.image_noise));
}

}  // namespace g2d::dataset
