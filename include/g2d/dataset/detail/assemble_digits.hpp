// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/audio_visual_digits.hpp>
#include <g2d/dataset/detail/digit_streams.hpp>
#include <g2d/dataset/gaussian_noise.hpp>
#include <g2d/dataset/standardization.hpp>

namespace g2d::dataset::detail {

/// One modality on its way: values [N, 1, H, W], and the standard deviation of each sample's noise, [N].
struct NoisyModality {
  data::Splits<at::Tensor> values;
  data::Splits<at::Tensor> noise;
};

inline void check_noise(double noise, std::string_view modality) {
  if (!(noise >= 0 && std::isfinite(noise))) {
    throw ConfigError(
        fmt::format("g2d: dataset: {}: expected a finite noise deviation of at least 0, got {}", modality, noise));
  }
}

/// Standardises by the training split, adds the noise, numbers the samples.
[[nodiscard]] inline AudioVisualDigits assemble_digits(const NoisyModality& audio, const NoisyModality& image,
                                                       const data::Splits<at::Tensor>& labels, std::uint64_t seed,
                                                       std::string_view description) {
  const auto audio_map = measure_standardization(audio.values.train, "audio");
  const auto image_map = measure_standardization(image.values.train, "image");
  const auto finish = [&](const NoisyModality& modality, const Standardization& standardise, DigitStream stream) {
    return data::map_splits(
        [&](const at::Tensor& values, const at::Tensor& noise, const at::Generator& generator) {
          return add_gaussian_noise(standardise(values), noise, generator);
        },
        modality.values, modality.noise, make_generators(seed, stream));
  };
  std::int64_t next_id = 0;
  const auto number = [&](const at::Tensor& split_labels) {
    const auto first = next_id;
    next_id += split_labels.size(0);
    return at::arange(first, next_id, at::kLong);
  };
  const auto gather = [](const at::Tensor& audio_part, const at::Tensor& image_part, const at::Tensor& label_part,
                         const at::Tensor& ids) { return AudioVisualSplit{audio_part, image_part, label_part, ids}; };
  return {data::map_splits(gather, finish(audio, audio_map, DigitStream::AudioNoise),
                           finish(image, image_map, DigitStream::ImageNoise), labels, data::map_splits(number, labels)),
          fmt::format("{}; standardised by the training split: audio mean {:.9g} deviation {:.9g}, image mean {:.9g} "
                      "deviation {:.9g}",
                      description, audio_map.mean, audio_map.deviation, image_map.mean, image_map.deviation)};
}

}  // namespace g2d::dataset::detail
