// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/detail/ending.hpp>

namespace g2d::dataset {

/// Spoken digits, in the order of their file names.
struct DigitRecordings {
  std::vector<at::Tensor> waveforms;  ///< N tensors float32 [L_n], 8000 samples a second.
  at::Tensor labels;                  ///< int64 [N], 0 to 9.
  std::vector<std::string> speakers;  ///< N names.
  at::Tensor indices;                 ///< int64 [N]: which of the speaker's recordings of this digit it is.
};

/// Samples a second of the Free Spoken Digit Dataset.
inline constexpr std::int64_t digit_sample_rate = 8000;

namespace detail {

struct RecordingName {
  std::int64_t digit;
  std::string speaker;
  std::int64_t index;
};

/// "{digit}_{speaker}_{index}", or nothing when `stem` has another form.
[[nodiscard]] inline std::optional<RecordingName> parse_recording_name(std::string_view stem) {
  const auto parse_number = [](std::string_view text) -> std::optional<std::int64_t> {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0) return std::nullopt;
    return number;
  };
  const auto first = stem.find('_');
  const auto last = stem.rfind('_');
  if (first == std::string_view::npos || last <= first + 1) return std::nullopt;
  const auto digit = parse_number(stem.substr(0, first));
  const auto index = parse_number(stem.substr(last + 1));
  if (!digit || *digit > 9 || !index) return std::nullopt;
  return RecordingName{*digit, std::string(stem.substr(first + 1, last - first - 1)), *index};
}

/// `directory`/recordings as the dataset is published, `directory`/fsdd, or `directory` itself.
[[nodiscard]] inline std::filesystem::path find_recordings(const std::filesystem::path& directory) {
  for (const auto* name : {"recordings", "fsdd"}) {
    if (std::filesystem::is_directory(directory / name)) return directory / name;
  }
  return directory;
}

/// The .wav files of a folder in the order of their names. Hidden files, which some systems add, are skipped.
[[nodiscard]] inline std::vector<std::filesystem::path> list_wav_files(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const auto& path = entry->path();
    if (io::detail::lower_case_ending(path) == ".wav" && path.filename().string().front() != '.') files.push_back(path);
  }
  if (error) {
    throw DataError(fmt::format("g2d: dataset::read_digit_recordings: {}: expected a readable folder, got {}",
                                folder.string(), error.message()));
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace detail

/// Reads {digit}_{speaker}_{index}.wav, the naming of the Free Spoken Digit Dataset, from `directory`/recordings,
/// `directory`/fsdd or `directory` itself.
///
/// Errors     DataError naming the file or folder: no such files, another name, another sample rate, all of read_wav.
[[nodiscard]] inline DigitRecordings read_digit_recordings(const std::filesystem::path& directory) {
  const auto folder = detail::find_recordings(directory);
  const auto files = detail::list_wav_files(folder);
  if (files.empty()) {
    throw DataError(fmt::format(
        "g2d: dataset::read_digit_recordings: {}: expected files {{digit}}_{{speaker}}_{{index}}.wav there, "
        "in recordings/ or "
        "in fsdd/, got none",
        directory.string()));
  }

  const auto count = static_cast<std::int64_t>(files.size());
  DigitRecordings recordings{{}, at::empty({count}, at::kLong), {}, at::empty({count}, at::kLong)};
  auto* labels = recordings.labels.mutable_data_ptr<std::int64_t>();
  auto* indices = recordings.indices.mutable_data_ptr<std::int64_t>();
  for (const auto& file : files) {
    const auto name = detail::parse_recording_name(file.stem().string());
    if (!name) {
      throw DataError(fmt::format(
          "g2d: dataset::read_digit_recordings: {}: expected a name {{digit}}_{{speaker}}_{{index}}.wav such as "
          "7_jackson_12.wav, got {}",
          folder.string(), file.filename().string()));
    }
    const auto waveform = io::read_audio(file);
    if (waveform.sample_rate != digit_sample_rate) {
      throw DataError(fmt::format(
          "g2d: dataset::read_digit_recordings: {}: expected {} samples a second, got {}; resample the file first",
          file.string(), digit_sample_rate, waveform.sample_rate));
    }
    *labels++ = name->digit;
    *indices++ = name->index;
    recordings.speakers.push_back(name->speaker);
    recordings.waveforms.push_back(waveform.samples);
  }
  return recordings;
}

}  // namespace g2d::dataset
