// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sndfile.h>
#include <torch/torch.h>
#include <zlib.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "support/temporary_folder.hpp"

namespace g2d_test {

/// Four bytes, the most significant first.
inline std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xFFU);
  return bytes;
}

/// An IDX file of unsigned bytes, whatever the sizes say and the values hold.
inline std::string idx_bytes(const std::vector<std::uint32_t>& sizes, const std::string& values) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(sizes.size())};
  for (const auto size : sizes) bytes += big_endian(size);
  return bytes + values;
}

inline void write_gzip(const std::filesystem::path& path, const std::string& bytes) {
  const auto file = gzopen(path.c_str(), "wb");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

struct WavFormat {
  int sample_rate = 8000;
  int channels = 1;
  int subtype = SF_FORMAT_PCM_16;
};

/// Writes interleaved samples through libsndfile.
inline void write_wav(const std::filesystem::path& path, const std::vector<float>& samples,
                      const WavFormat& format = {}) {
  SF_INFO info{};
  info.samplerate = format.sample_rate;
  info.channels = format.channels;
  info.format = SF_FORMAT_WAV | format.subtype;
  auto* file = sf_open(path.c_str(), SFM_WRITE, &info);
  sf_write_float(file, samples.data(), static_cast<sf_count_t>(samples.size()));
  sf_close(file);
}

inline std::vector<float> tone(double frequency, std::size_t length) {
  std::vector<float> samples(length);
  for (std::size_t n = 0; n < length; ++n) {
    samples[n] = static_cast<float>(0.5 * std::sin(6.283185307179586 * frequency * static_cast<double>(n) / 8000));
  }
  return samples;
}

/// `count` images and labels 0, 1, ... 9, 0, ...; image n is filled with the grey value n, which identifies it.
inline void write_images(const std::filesystem::path& folder, const std::string& part, std::uint32_t count) {
  std::string pixels;
  std::string labels;
  for (std::uint32_t n = 0; n < count; ++n) {
    pixels += std::string(28 * 28, static_cast<char>(n));
    labels += static_cast<char>(n % 10);
  }
  write_bytes(folder / (part + "-images-idx3-ubyte"), idx_bytes({count, 28, 28}, pixels));
  write_gzip(folder / (part + "-labels-idx1-ubyte.gz"), idx_bytes({count}, labels));
}

/// Every digit by every speaker, indices from 0; a tone of its own for each recording.
inline void write_recordings(const std::filesystem::path& folder, const std::vector<std::string>& speakers,
                             int indices) {
  std::filesystem::create_directories(folder);
  double frequency = 200;
  for (int digit = 0; digit < 10; ++digit) {
    for (const auto& speaker : speakers) {
      for (int index = 0; index < indices; ++index) {
        write_wav(folder / fmt::format("{}_{}_{}.wav", digit, speaker, index), tone(frequency += 10, 1000));
      }
    }
  }
}

}  // namespace g2d_test
