// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <numbers>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/class_pairs.hpp>
#include <g2d/dataset/detail/digit_streams.hpp>
#include <g2d/dataset/detail/leading_components.hpp>
#include <g2d/dataset/digit_recordings.hpp>
#include <g2d/dataset/fit_length.hpp>
#include <g2d/dataset/mnist.hpp>
#include <g2d/io/write_npy.hpp>
#include <g2d/transform/spectrogram.hpp>

namespace g2d::dataset {

/// Settings of make_av_mnist.
struct MakeAvMnistOptions {
  double removed_energy = 0.75;                        ///< Share of the images' variance that goes.
  double signal_to_noise = -6;                         ///< Power of a recording over that of its noise, in dB.
  std::vector<std::string> test_speakers{"yweweler"};  ///< Heard in the test part alone.
  std::uint64_t seed = 0;                              ///< Of the pairs and the noise.
};

/// What make_av_mnist made.
struct AvMnistReport {
  std::int64_t num_train = 0;
  std::int64_t num_test = 0;
  std::int64_t num_components = 0;  ///< Principal components that the images keep.
  double removed_energy = 0;        ///< Share of the training images' variance that is gone.
};

namespace detail {

inline constexpr std::string_view make_av_mnist_where = "dataset::make_av_mnist";

/// Noise whose power falls with the frequency, as most sounds of an environment have it; power 1. Shape: [count,
/// length].
[[nodiscard]] inline at::Tensor pink_noise(std::int64_t count, std::int64_t length, const at::Generator& generator) {
  const auto spectrum = at::fft_rfft(at::randn({count, length}, std::optional(generator), at::kFloat));
  auto scale = at::arange(spectrum.size(1), at::kFloat).clamp_min_(1).rsqrt_();
  scale[0] = 0;
  const auto noise = at::fft_irfft(spectrum * scale, length);
  return noise / noise.square().mean(1, /*keepdim=*/true).sqrt();
}

/// One second at 8 kHz as 112 bands by 112 frames: uint8 [N, 112, 112], 255 the loudest cell of a recording, 0 whatever
/// is 80 dB below it or less.
[[nodiscard]] inline at::Tensor spectrogram_images(const at::Tensor& waveforms) {
  constexpr std::int64_t size = 112;
  const double range = 80.0 / 20 * std::numbers::ln10;
  const transform::Spectrogram spectrogram({.n_fft = 2 * (size - 1), .hop = 72});
  auto images = at::empty({waveforms.size(0), size, size}, at::kByte);
  for (std::int64_t n = 0; n < waveforms.size(0); ++n) {
    const auto levels = spectrogram(waveforms[n])[0];
    images[n].copy_(((levels - levels.max()) / range + 1).clamp_(0, 1).mul_(255).round_());
  }
  return images;
}

/// One part of the dataset on its way to its files.
struct AvMnistPart {
  std::string name;
  ClassPairs pairs;   ///< Rows of the part's images and of all recordings.
  at::Tensor images;  ///< float32 [N, 784], 0 to 1.
  at::Generator noise;
};

inline void write_av_mnist_part(const std::filesystem::path& folder, AvMnistPart part,
                                const LeadingComponents& components, const at::Tensor& waveforms,
                                double signal_to_noise) {
  constexpr std::int64_t rows_at_once = 512;
  const auto count = part.pairs.labels.size(0);
  const auto level = std::pow(10, -signal_to_noise / 20);
  io::NpyWriter image_file(folder / "image" / (part.name + "_data.npy"), at::kByte, {count, 28, 28});
  io::NpyWriter audio_file(folder / "audio" / (part.name + "_data.npy"), at::kByte, {count, 112, 112});
  for (std::int64_t first = 0; first < count; first += rows_at_once) {
    const auto rows = [&](const at::Tensor& all) { return all.slice(0, first, std::min(first + rows_at_once, count)); };
    const auto images = components.project(part.images.index_select(0, rows(part.pairs.first)));
    image_file.append(images.mul(255).round_().clamp_(0, 255).to(at::kByte).view({-1, 28, 28}));
    const auto clean = waveforms.index_select(0, rows(part.pairs.second));
    const auto noisy = clean + level * pink_noise(clean.size(0), clean.size(1), part.noise);
    audio_file.append(spectrogram_images(noisy));
  }
  image_file.commit();
  audio_file.commit();
  io::write_npy(folder / (part.name + "_labels.npy"), part.pairs.labels);
}

/// Rows of recordings.
struct SpeakerRows {
  at::Tensor train;
  at::Tensor test;
};

/// Errors: ConfigError for speakers that are not there, none or all.
[[nodiscard]] inline SpeakerRows divide_speakers(const DigitRecordings& recordings,
                                                 const std::vector<std::string>& test_speakers) {
  const std::set<std::string> known(recordings.speakers.begin(), recordings.speakers.end());
  const std::set<std::string> test(test_speakers.begin(), test_speakers.end());
  const bool divides = !test.empty() && test.size() < known.size() &&
                       std::includes(known.begin(), known.end(), test.begin(), test.end());
  if (!divides) {
    throw ConfigError(
        fmt::format("g2d: {}: expected test_speakers among the speakers [{}], and not all of them, got [{}]",
                    make_av_mnist_where, fmt::join(known, ", "), fmt::join(test_speakers, ", ")));
  }
  auto is_test = at::empty({recordings.labels.size(0)}, at::kBool);
  for (std::int64_t row = 0; row < is_test.size(0); ++row) {
    is_test.mutable_data_ptr<bool>()[row] = test.contains(recordings.speakers[static_cast<std::size_t>(row)]);
  }
  return {is_test.logical_not().nonzero().squeeze(1), is_test.nonzero().squeeze(1)};
}

inline void make_folders(const std::filesystem::path& folder) {
  for (const auto* name : {"image", "audio"}) {
    std::error_code error;
    std::filesystem::create_directories(folder / name, error);
    if (error) {
      throw DataError(fmt::format("g2d: {}: {}: expected a folder to write into, got {}", make_av_mnist_where,
                                  folder.string(), error.message()));
    }
  }
}

}  // namespace detail

/// Makes the files of AV-MNIST in `folder` from MNIST's IDX files and the Free Spoken Digit recordings in `digits`.
///
/// Pairs      every image once, in shuffled order, with a recording of its class; no recording a second time before all
///            of its class were used once. MNIST's own test images go with the test speakers.
/// Images     projected onto the leading principal components of the training images, as few as leave out no more than
///            75 % of their variance about the mean; both parts with the same components. 0 to 255, rounded and cut
///            there: uint8 [N, 28, 28].
/// Audio      a second at 8 kHz, the recording in its middle, scaled to power 1; pink noise; log magnitude of 112 bands
///            by 112 frames (n_fft 222, hop 72), 80 dB below the loudest cell to 0 ... 255: uint8 [N, 112, 112].
/// Deviates   from the literature in the noise, which is recorded in environments there (ESC-50), and in the scale of
///            the spectrograms; a public script keeps a quarter of the components instead of a quarter of the energy,
///            which hardly changes an image.
/// Cost       memory: MNIST in float32 and some hundred samples; time: a minute a core. Files: 0.9 GB.
/// Repeats    the same bytes for the same seed on the same machine. Each file appears whole or not at all; those there
///            are replaced.
/// Errors     DataError naming the file (read_mnist, read_digit_recordings, a folder or file that cannot be written);
///            ConfigError for settings out of range or speakers that are not there.
/// Source     V. Vielzeuf et al., CentralNet, arXiv:1808.07275.
inline AvMnistReport make_av_mnist(const std::filesystem::path& digits, const std::filesystem::path& folder,
                                   const MakeAvMnistOptions& options = {}) {
  if (!(options.removed_energy >= 0 && options.removed_energy < 1) || !std::isfinite(options.signal_to_noise)) {
    throw ConfigError(
        fmt::format("g2d: {}: expected removed_energy in [0, 1) and a finite signal_to_noise, got {} and {}",
                    detail::make_av_mnist_where, options.removed_energy, options.signal_to_noise));
  }
  const auto mnist = read_mnist(digits);
  const auto recordings = read_digit_recordings(digits);
  const auto speakers = detail::divide_speakers(recordings, options.test_speakers);

  const auto pairing = detail::make_generators(options.seed, detail::DigitStream::Pairing);
  const auto noise = detail::make_generators(options.seed, detail::DigitStream::AudioNoise);
  const auto part = [&](const std::string& name, const LabelledImages& from, const at::Tensor& recording_rows,
                        const at::Generator& pairs, const at::Generator& part_noise) {
    const auto count = from.labels.size(0);
    return detail::AvMnistPart{name,
                               pair_by_class(from.labels, at::arange(count, at::kLong), recordings.labels,
                                             recording_rows, count, pairs, name + " images and recordings"),
                               from.images.flatten(1), part_noise};
  };
  const auto train = part("train", mnist.train, speakers.train, pairing.train, noise.train);
  const auto test = part("test", mnist.test, speakers.test, pairing.test, noise.test);

  const auto components = detail::fit_leading_components(train.images, options.removed_energy);
  const auto centred = fit_length(recordings.waveforms, digit_sample_rate);
  constexpr double silence = 1e-12;
  const auto waveforms = centred / centred.square().mean(1, /*keepdim=*/true).sqrt().clamp_min(silence);
  detail::make_folders(folder);
  for (const auto& made : {train, test})
    detail::write_av_mnist_part(folder, made, components, waveforms, options.signal_to_noise);
  return {train.images.size(0), test.images.size(0), components.directions.size(1), components.removed_energy};
}

}  // namespace g2d::dataset
