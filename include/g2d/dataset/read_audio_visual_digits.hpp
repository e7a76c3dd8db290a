// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <filesystem>

#include <g2d/data/splits.hpp>
#include <g2d/dataset/audio_visual_digits.hpp>
#include <g2d/dataset/class_pairs.hpp>
#include <g2d/dataset/detail/assemble_digits.hpp>
#include <g2d/dataset/digit_pairs.hpp>
#include <g2d/dataset/digit_recordings.hpp>
#include <g2d/dataset/fit_length.hpp>
#include <g2d/dataset/log_spectrogram.hpp>
#include <g2d/dataset/mnist.hpp>

namespace g2d::dataset {

/// Settings of read_audio_visual_digits.
struct AudioVisualDigitsOptions {
  DigitPairsOptions pairing{};        ///< Holds the seed of everything.
  std::int64_t audio_samples = 8000;  ///< Every recording is centred in a frame of this length: one second.
  LogSpectrogramOptions spectrogram{};
  double audio_noise = 0.8;  ///< Standard deviation, in units of the standardised spectrogram.
  double image_noise = 3.3;  ///< Standard deviation, in units of the standardised image.
};

/// Reads MNIST's IDX files and the Free Spoken Digit recordings below `directory` and pairs them by class: AV-MNIST as
/// the literature builds it.
///
/// Errors     DataError naming the file and the reason (read_mnist, read_digit_recordings); ConfigError for options.
[[nodiscard]] inline AudioVisualDigits read_audio_visual_digits(const std::filesystem::path& directory,
                                                                const AudioVisualDigitsOptions& options = {}) {
  detail::check_noise(options.audio_noise, "audio");
  detail::check_noise(options.image_noise, "image");
  const auto mnist = read_mnist(directory);
  const auto recordings = read_digit_recordings(directory);
  const auto pairs = pair_digits(mnist, recordings, options.pairing);

  const auto images = at::cat({mnist.train.images, mnist.test.images});
  const auto spectrograms =
      log_spectrogram(fit_length(recordings.waveforms, options.audio_samples), options.spectrogram);
  const auto deviations = [&](double noise) {
    return data::map_splits([noise](std::int64_t count) { return at::full({count}, noise, at::kFloat); },
                            options.pairing.pairs);
  };
  const detail::NoisyModality audio{
      data::map_splits([&](const ClassPairs& split) { return spectrograms.index_select(0, split.second); }, pairs),
      deviations(options.audio_noise)};
  const detail::NoisyModality image{
      data::map_splits([&](const ClassPairs& split) { return images.index_select(0, split.first); }, pairs),
      deviations(options.image_noise)};
  const auto labels = data::map_splits([](const ClassPairs& split) { return split.labels; }, pairs);

  const auto& pairing = options.pairing;
  const auto& spectrogram = options.spectrogram;
  return detail::assemble_digits(
      audio, image, labels, pairing.seed,
      fmt::format(
          "MNIST with {} images, spoken digits with {} recordings; seed {}; pairs {}, {}, {}; validation fraction "
          "{}; speakers of validation [{}] and test [{}]; audio: {} samples, window {}, hop {}, bands {}, floor {}, "
          "noise {}; image: noise {}",
          images.size(0), recordings.labels.size(0), pairing.seed, pairing.pairs.train, pairing.pairs.validation,
          pairing.pairs.test, pairing.validation_fraction, fmt::join(pairing.validation_speakers, ", "),
          fmt::join(pairing.test_speakers, ", "), options.audio_samples, spectrogram.window, spectrogram.hop,
          spectrogram.bands, spectrogram.floor, options.audio_noise, options.image_noise));
}

}  // namespace g2d::dataset
