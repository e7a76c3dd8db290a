// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include <g2d/io/detail/audio_container.hpp>
#include <g2d/io/detail/file_error.hpp>

namespace g2d::io {

/// A recording with one channel.
struct Waveform {
  at::Tensor samples;            ///< float32 [L], nominally -1 to 1.
  std::int64_t sample_rate = 0;  ///< Samples a second.
};

/// Settings of read_audio.
struct AudioOptions {
  /// A longer recording is refused. The default is 25 minutes at 44.1 kHz; a few kilobytes of FLAC can hold days of
  /// silence.
  std::int64_t max_samples = std::int64_t{1} << 26U;
};

namespace detail {

struct CloseAudio {
  void operator()(SNDFILE* file) const { sf_close(file); }
};

/// The mean over the channels of each frame. Memory follows what the file really holds, not what its header claims.
inline std::vector<float> read_frames(SNDFILE* file, const SF_INFO& info, std::int64_t max_samples) {
  constexpr sf_count_t block_values = 1 << 15;
  const auto channels = static_cast<std::size_t>(info.channels);
  const auto block_frames = std::max<sf_count_t>(block_values / info.channels, 1);
  std::vector<float> block(static_cast<std::size_t>(block_frames) * channels);
  std::vector<float> samples;
  while (const auto frames = static_cast<std::size_t>(sf_readf_float(file, block.data(), block_frames))) {
    if (samples.size() + frames > static_cast<std::size_t>(max_samples)) {
      throw Malformed(
          fmt::format("expected at most {} samples, got more; raise AudioOptions::max_samples", max_samples));
    }
    for (std::size_t frame = 0; frame < frames; ++frame) {
      float sum = 0;
      for (std::size_t channel = 0; channel < channels; ++channel) sum += block[frame * channels + channel];
      samples.push_back(sum / static_cast<float>(channels));
    }
  }
  return samples;
}

}  // namespace detail

/// Reads whatever libsndfile does: WAV, FLAC, OGG/Vorbis, AIFF and others, by content. Several channels are averaged.
///
/// Truncation is found in WAV, AIFF, FLAC and OGG; the first two without reading.
/// Errors     DataError naming the file and the reason: missing, not audio, truncated, damaged, without samples, not
///            finite, longer than `max_samples`.
[[nodiscard]] inline Waveform read_audio(const std::filesystem::path& path, const AudioOptions& options = {}) {
  constexpr std::string_view where = "io::read_audio";
  detail::file_size(where, path);
  return detail::naming_the_file(where, path, [&] {
    detail::check_audio_complete(path);
    SF_INFO info{};
    const std::unique_ptr<SNDFILE, detail::CloseAudio> file(sf_open(path.c_str(), SFM_READ, &info));
    if (!file) {
      throw detail::Malformed(fmt::format("expected an audio file, got {}", sf_error_number(sf_error(nullptr))));
    }
    const auto samples = detail::read_frames(file.get(), info, options.max_samples);
    if (sf_error(file.get()) != SF_ERR_NO_ERROR) {
      throw detail::Malformed(fmt::format("expected readable samples, got {}", sf_strerror(file.get())));
    }
    // libsndfile ends quietly where the stream does; SF_COUNT_MAX stands for a length that nobody announced.
    if (info.frames != SF_COUNT_MAX && static_cast<sf_count_t>(samples.size()) < info.frames) {
      throw detail::Malformed(fmt::format("expected {} samples as it announces, got {}; it is truncated or damaged",
                                          info.frames, samples.size()));
    }
    if (samples.empty()) throw detail::Malformed("expected at least one sample, got none");

    auto tensor = at::empty({static_cast<std::int64_t>(samples.size())}, at::kFloat);
    std::copy(samples.begin(), samples.end(), tensor.mutable_data_ptr<float>());
    if (!at::isfinite(tensor).all().item<bool>()) {
      throw detail::Malformed("expected finite samples, got infinity or NaN");
    }
    return Waveform{tensor, info.samplerate};
  });
}

}  // namespace g2d::io
