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
#include <string_view>
#include <vector>

#include <g2d/io/detail/audio_container.hpp>
#include <g2d/io/detail/file_bytes.hpp>
#include <g2d/io/detail/file_error.hpp>
#include <g2d/io/detail/memory_audio.hpp>
#include <g2d/io/read_warnings.hpp>

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

/// The mean over the channels of each frame. Memory follows what the file really holds, not what its header claims.
inline std::vector<float> read_frames(SNDFILE* file, const SF_INFO& info, std::int64_t max_samples) {
  constexpr sf_count_t block_values = 1 << 15;
  const auto channels = static_cast<std::size_t>(info.channels);
  const auto block_frames = std::max<sf_count_t>(block_values / info.channels, 1);
  std::vector<float> block(static_cast<std::size_t>(block_frames) * channels);
  std::vector<float> samples;
  while (const auto frames = static_cast<std::size_t>(sf_readf_float(file, block.data(), block_frames))) {
    // The next call forgets it, and where no length is announced nothing else tells of a stream that is cut off.
    if (sf_error(file) != SF_ERR_NO_ERROR && info.frames == SF_COUNT_MAX) {
      throw Malformed(
          fmt::format("expected readable samples, got {}; the file is truncated or damaged", sf_strerror(file)));
    }
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

/// Reads whatever libsndfile does: WAV, FLAC, OGG, MP3, AIFF and others, by content. Several channels are averaged.
///
/// Truncation is found in WAV, RF64, Wave64, AIFF, AU, CAF, OGG, FLAC and MP3; not where a FLAC or MP3 file that does
/// not tell its length, or an OGG file, ends between two frames or pages. Where a header does not tell how many samples
/// there are (pipes, recorders that were killed), all that are there are read.
///
/// Cost       memory: the file and its samples.
/// Warnings   io::read_warnings() counts headers that tell a wrong length and Ogg streams without an end.
/// Errors     DataError naming the file and the reason: missing, not audio, truncated, damaged, without samples, not
///            finite, longer than `max_samples`.
[[nodiscard]] inline Waveform read_audio(const std::filesystem::path& path, const AudioOptions& options = {}) {
  constexpr std::string_view where = "io::read_audio";
  constexpr std::int64_t largest_file = std::int64_t{1} << 32U;
  auto bytes = detail::read_file(where, path, largest_file);
  return detail::naming_the_file(where, path, [&] {
    const auto notes = detail::settle_audio(bytes);
    const detail::MemoryAudio file(bytes, notes.num_samples.has_value());
    const auto& info = file.info();
    const auto samples = detail::read_frames(file.get(), info, options.max_samples);
    // libsndfile ends quietly where the stream does; SF_COUNT_MAX stands for a length that nobody announced.
    const auto announced = notes.num_samples.value_or(info.frames);
    if (announced != SF_COUNT_MAX && static_cast<sf_count_t>(samples.size()) < announced) {
      throw detail::Malformed(fmt::format("expected {} samples as it announces, got {}; it is truncated or damaged",
                                          announced, samples.size()));
    }
    if (samples.empty()) throw detail::Malformed("expected at least one sample, got none");

    auto tensor = at::empty({static_cast<std::int64_t>(samples.size())}, at::kFloat);
    std::copy(samples.begin(), samples.end(), tensor.mutable_data_ptr<float>());
    if (!at::isfinite(tensor).all().item<bool>()) {
      throw detail::Malformed("expected finite samples, got infinity or NaN");
    }
    if (!notes.warning.empty()) read_warnings().add(notes.warning, path);
    return Waveform{tensor, info.samplerate};
  });
}

}  // namespace g2d::io
