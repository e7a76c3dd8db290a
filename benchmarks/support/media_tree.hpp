// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/upsample_bilinear2d.h>
#include <fmt/format.h>
#include <sndfile.h>
#include <turbojpeg.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/read_files.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/image.hpp>
#include <g2d/transform/any.hpp>

#include "temporary_folder.hpp"

/// Tones in noise, float32 [length]: what neither FLAC nor silence makes easy.
[[nodiscard]] inline at::Tensor make_recording(std::int64_t length, int sample_rate, const at::Generator& generator) {
  const auto frequencies = 100 + 3000 * at::rand({4, 1}, std::optional(generator), at::kFloat);
  const auto time = at::arange(length, at::kFloat) / sample_rate;
  const auto noise = at::randn({length}, std::optional(generator), at::kFloat);
  return 0.15 * (2 * std::numbers::pi * frequencies * time).sin().sum(0) + 0.05 * noise;
}

/// Smooth colours with grain, uint8 [3, height, width]: a JPEG of quality 90 takes about as many bytes as one of a
/// photograph.
[[nodiscard]] inline at::Tensor make_photograph(std::int64_t height, std::int64_t width,
                                                const at::Generator& generator) {
  const auto shapes = at::randn({1, 3, 12, 16}, std::optional(generator), at::kFloat);
  const auto colours = at::upsample_bilinear2d(shapes, {height, width}, /*align_corners=*/false).squeeze(0);
  const auto grain = at::randn({1, height, width}, std::optional(generator), at::kFloat);
  return (128 + 50 * colours + 6 * grain).clamp(0, 255).round().to(at::kByte);
}

/// waveform: float32 [L]; `format` is libsndfile's, such as SF_FORMAT_WAV | SF_FORMAT_PCM_16.
inline void write_audio(const std::filesystem::path& path, const at::Tensor& waveform, int sample_rate, int format) {
  SF_INFO info{};
  info.samplerate = sample_rate;
  info.channels = 1;
  info.format = format;
  auto* file = sf_open(path.c_str(), SFM_WRITE, &info);
  if (file == nullptr) throw std::runtime_error("cannot write " + path.string());
  sf_writef_float(file, waveform.contiguous().const_data_ptr<float>(), waveform.size(0));
  sf_close(file);
}

/// image: uint8 [3, H, W].
inline void write_jpeg(const std::filesystem::path& path, const at::Tensor& image) {
  constexpr int quality = 90;
  const auto pixels = image.permute({1, 2, 0}).contiguous();
  auto* encoder = tjInitCompress();
  unsigned char* bytes = nullptr;
  unsigned long size = 0;
  const int status =
      tjCompress2(encoder, pixels.const_data_ptr<std::uint8_t>(), static_cast<int>(image.size(2)), /*pitch=*/0,
                  static_cast<int>(image.size(1)), TJPF_RGB, &bytes, &size, TJSAMP_420, quality, 0);
  if (status == 0)
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  tjFree(bytes);
  tjDestroy(encoder);
  if (status != 0) throw std::runtime_error("cannot write " + path.string());
}

/// One recording and one image a sample, on disk.
struct MediaTree {
  std::vector<std::filesystem::path> recordings;
  std::vector<std::filesystem::path> images;

  /// Names the next sample's files, for the caller to write.
  void add(const std::filesystem::path& folder, const char* audio_suffix, const char* image_suffix) {
    const auto number = recordings.size();
    recordings.push_back(folder / fmt::format("recording-{:06}{}", number, audio_suffix));
    images.push_back(folder / fmt::format("image-{:06}{}", number, image_suffix));
  }

  /// The first `count`.
  [[nodiscard]] MediaTree first(std::size_t count) const {
    const auto end = static_cast<std::ptrdiff_t>(count);
    return {{recordings.begin(), recordings.begin() + end}, {images.begin(), images.begin() + end}};
  }
};

/// The tree as samples of class (number mod 10) with the modalities "audio" and "image".
[[nodiscard]] inline g2d::data::Samples read_tree(MediaTree tree, std::int64_t image_channels,
                                                  g2d::transform::Any audio, g2d::transform::Any image) {
  g2d::data::SampleIndex index;
  for (std::size_t i = 0; i < tree.recordings.size(); ++i) index.names.push_back(fmt::format("sample-{:06}", i));
  index.targets = at::arange(static_cast<std::int64_t>(index.names.size()), at::kLong).remainder(10);
  const auto decode_audio = [](const std::filesystem::path& path) { return g2d::io::read_audio(path).samples; };
  const auto decode_image = [image_channels](const std::filesystem::path& path) {
    return g2d::io::read_image(path, {.channels = image_channels});
  };
  return {{g2d::data::read_files("audio", std::move(tree.recordings), decode_audio, std::move(audio)),
           g2d::data::read_files("image", std::move(tree.images), decode_image, std::move(image))},
          std::move(index)};
}
