// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/isfinite.h>
#include <fmt/format.h>
#include <sndfile.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <vector>

#include <g2d/core/error.hpp>

namespace g2d::data {

/// A recording with one channel.
struct Waveform {
  at::Tensor samples;            ///< float32 [L], -1 to 1.
  std::int64_t sample_rate = 0;  ///< Samples a second.
};

namespace detail {

[[noreturn]] inline void fail_wav(const std::filesystem::path& path, std::string_view expected, std::string_view got) {
  throw DataError(fmt::format("g2d: data::read_wav: {}: expected {}, got {}", path.string(), expected, got));
}

/// libsndfile reads a file that was cut off as if it ended there, so the length in the RIFF header is compared first.
inline void check_complete(const std::filesystem::path& path) {
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(path, error);
  if (error) fail_wav(path, "a readable file", error.message());

  std::ifstream file(path, std::ios::binary);
  std::array<char, 8> header{};
  constexpr std::uint32_t length_unknown = 0xFFFFFFFF;  // what programs write that stream into a pipe
  if (!file.read(header.data(), header.size()) || std::string_view(header.data(), 4) != "RIFF") return;
  std::uint32_t length = 0;
  for (std::size_t i = 7; i >= 4; --i) length = length << 8U | static_cast<std::uint8_t>(header[i]);
  if (length != length_unknown && file_size < std::uint64_t{length} + header.size()) {
    fail_wav(path, fmt::format("{} bytes as its header announces", std::uint64_t{length} + header.size()),
             fmt::format("{}; the file is truncated", file_size));
  }
}

}  // namespace detail

/// Reads an uncompressed or compressed WAV file; several channels are averaged.
///
/// Errors     DataError naming the file and the reason: missing, not audio, truncated, without samples, not finite.
[[nodiscard]] inline Waveform read_wav(const std::filesystem::path& path) {
  detail::check_complete(path);
  SF_INFO info{};
  const auto close = [](SNDFILE* file) { sf_close(file); };
  const std::unique_ptr<SNDFILE, decltype(close)> file(sf_open(path.c_str(), SFM_READ, &info));
  if (!file) detail::fail_wav(path, "a WAV file", sf_strerror(nullptr));

  // Block by block: the number of frames in a header is a claim, memory follows what the file really holds.
  constexpr sf_count_t block_frames = 8192;
  std::vector<float> block(static_cast<std::size_t>(block_frames * info.channels));
  std::vector<float> samples;
  while (const auto frames = sf_readf_float(file.get(), block.data(), block_frames)) {
    for (sf_count_t frame = 0; frame < frames; ++frame) {
      const auto* first = block.data() + frame * info.channels;
      float sum = 0;
      for (int channel = 0; channel < info.channels; ++channel) sum += first[channel];
      samples.push_back(sum / static_cast<float>(info.channels));
    }
  }
  if (sf_error(file.get()) != SF_ERR_NO_ERROR) detail::fail_wav(path, "readable samples", sf_strerror(file.get()));
  if (samples.empty()) detail::fail_wav(path, "at least one sample", "none");

  auto tensor = at::empty({static_cast<std::int64_t>(samples.size())}, at::kFloat);
  std::copy(samples.begin(), samples.end(), tensor.mutable_data_ptr<float>());
  if (!at::isfinite(tensor).all().item<bool>()) detail::fail_wav(path, "finite samples", "infinity or NaN");
  return {tensor, info.samplerate};
}

}  // namespace g2d::data
