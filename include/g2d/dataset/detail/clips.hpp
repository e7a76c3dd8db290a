// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/fingerprint.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/read_files.hpp>
#include <g2d/data/samples.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/detail/list_splits.hpp>
#include <g2d/dataset/detail/read_recording.hpp>
#include <g2d/dataset/detail/video_frames.hpp>
#include <g2d/dataset/missing_files.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/transform/any.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/horizontal_flip.hpp>
#include <g2d/transform/normalize.hpp>
#include <g2d/transform/random_resized_crop.hpp>
#include <g2d/transform/resize.hpp>
#include <g2d/transform/to_float.hpp>

/// What CREMA-D and VGGSound have in common: clips with a recording and a folder of frames, listed in a csv.
namespace g2d::dataset::detail {

/// The clips of one split. Clip i is `audio`/<stem>.wav, or .WAV, and `frames`/<stem>/. The folders are kept once, not
/// in each of a hundred thousand paths.
struct Clips {
  std::filesystem::path audio;
  std::filesystem::path frames;
  std::vector<std::string> stems;
  std::vector<std::int64_t> labels;

  [[nodiscard]] std::filesystem::path audio_file(std::size_t clip) const {
    return io::detail::find_ending(audio / (stems[clip] + ".wav"));
  }
  [[nodiscard]] std::filesystem::path frame_folder(std::size_t clip) const { return frames / stems[clip]; }
};

/// What is made of a clip.
struct ClipReading {
  std::int64_t sample_rate;  ///< Recordings are resampled to it before their transform.
  std::int64_t num_samples;  ///< Of a longer recording the rest is not used.
  std::int64_t num_frames;
  transform::Any audio;
  transform::Any video;
};

/// Errors: ConfigError unless every setting, named for the message, is at least 1.
inline void check_positive(std::string_view where,
                           std::initializer_list<std::pair<std::string_view, std::int64_t>> settings) {
  for (const auto& [name, value] : settings) {
    if (value < 1) throw ConfigError(fmt::format("g2d: {}: expected {} >= 1, got {}", where, name, value));
  }
}

/// A duration in samples.
[[nodiscard]] inline std::int64_t num_audio_samples(double seconds, std::int64_t sample_rate) {
  return std::llround(seconds * static_cast<double>(sample_rate));
}

/// Errors: DataError that begins with `place` (file and line) for a name that is none or would lead out of its folder.
inline void check_clip_name(const std::string& name, std::string_view place) {
  if (name.empty() || name == "." || name == ".." || name.find_first_of("/\\") != std::string::npos) {
    throw DataError(fmt::format("g2d: {}: expected the name of a clip, without folders, got \"{}\"", place, name));
  }
}

/// The first of `candidates` that is a folder below `folder`. Errors: DataError naming all and the `layout` expected.
[[nodiscard]] inline std::filesystem::path find_folder(std::string_view where, const std::filesystem::path& folder,
                                                       const std::vector<std::string>& candidates,
                                                       std::string_view layout) {
  std::error_code error;
  for (const auto& candidate : candidates) {
    if (std::filesystem::is_directory(folder / candidate, error)) return folder / candidate;
  }
  throw DataError(fmt::format("g2d: {}: {}: expected {}, got no folder {}", where, folder.string(), layout,
                              fmt::join(candidates, " or ")));
}

/// All names in a folder: far faster than to ask for one after the other. Errors: DataError naming the folder.
[[nodiscard]] inline std::unordered_set<std::string> list_folder(std::string_view where,
                                                                 const std::filesystem::path& folder) {
  std::unordered_set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    names.insert(entry->path().filename().string());
  }
  if (error)
    throw DataError(
        fmt::format("g2d: {}: {}: expected a readable folder, got {}", where, folder.string(), error.message()));
  return names;
}

[[nodiscard]] inline bool has_recording(const std::unordered_set<std::string>& names, const std::string& stem) {
  return names.contains(stem + ".wav") || names.contains(stem + ".WAV");
}

/// Some of the clips, in the order of `rows`, int64 in host memory.
[[nodiscard]] inline Clips select_clips(const Clips& clips, const at::Tensor& rows) {
  Clips some{clips.audio, clips.frames, {}, {}};
  for (std::int64_t i = 0; i < rows.size(0); ++i) {
    const auto clip = static_cast<std::size_t>(rows.const_data_ptr<std::int64_t>()[i]);
    some.stems.push_back(clips.stems[clip]);
    some.labels.push_back(clips.labels[clip]);
  }
  return some;
}

/// The clips whose recording and frames are there; `num_frames` 0: only the folder of the frames is looked for.
///
/// Cost       one listing of both folders, and with `num_frames` one of every clip's.
/// Errors     as FileCheck; DataError naming a folder that cannot be read.
[[nodiscard]] inline Clips complete_clips(std::string_view where, const Clips& clips, std::int64_t num_frames,
                                          MissingFiles missing_files, std::vector<std::string>& warnings) {
  const auto recordings = list_folder(where, clips.audio);
  const auto videos = list_folder(where, clips.frames);
  const auto missing = [&](std::size_t clip) -> std::string {
    if (!has_recording(recordings, clips.stems[clip])) return clips.audio_file(clip).string();
    if (!videos.contains(clips.stems[clip])) return clips.frame_folder(clip).string();
    if (num_frames == 0) return {};
    const auto count = static_cast<std::int64_t>(list_frames(clips.frame_folder(clip)).size());
    return count >= num_frames
               ? ""
               : fmt::format("{}: {} of {} frames", clips.frame_folder(clip).string(), count, num_frames);
  };
  const auto kept = FileCheck(std::string(where), missing_files).complete(clips.stems, missing, warnings);
  return select_clips(clips, at::tensor(std::vector<std::int64_t>(kept.begin(), kept.end()), at::kLong));
}

/// The training clips, those held out of them for validation, stratified by class, and the test clips.
[[nodiscard]] inline data::Splits<Clips> split_clips(const Clips& train, Clips test,
                                                     const std::vector<std::string>& classes,
                                                     double validation_fraction, std::uint64_t seed,
                                                     std::vector<std::string>& warnings) {
  const SplitKeys keys{.targets = at::tensor(train.labels, at::kLong), .class_names = classes};
  const auto [kept, held_out] =
      hold_out_validation(at::arange(keys.targets.size(0), at::kLong), keys, validation_fraction, make_generator(seed),
                          "training clips", warnings);
  return {select_clips(train, kept), select_clips(train, held_out), std::move(test)};
}

/// Frames as the authors' code prepares them: cropped and mirrored at random or scaled whole, normalised by ImageNet's
/// statistics.
[[nodiscard]] inline transform::Any frame_transform(std::int64_t size, std::int64_t num_frames, bool augments) {
  const transform::Normalize normalize(transform::imagenet_mean, transform::imagenet_std);
  const transform::Any image = augments
                                   ? transform::Chain{transform::RandomResizedCrop{size, size},
                                                      transform::HorizontalFlip{}, transform::ToFloat{}, normalize}
                                   : transform::Chain{transform::Resize{size, size}, transform::ToFloat{}, normalize};
  return num_frames == 1 ? image : transform::Any(EachFrame{image});
}

/// Clips as samples with the modalities "audio" and "video".
[[nodiscard]] inline data::Samples clip_samples(Clips clips, const ClipReading& reading, std::uint64_t seed) {
  data::SampleIndex index{.names = clips.stems, .targets = at::tensor(clips.labels, at::kLong)};
  const auto shared = std::make_shared<const Clips>(std::move(clips));
  const auto fingerprint = [shared](const auto& files_of) {
    Fingerprint all;
    for (std::size_t clip = 0; clip < shared->stems.size(); ++clip) all.add(data::fingerprint_files(files_of(clip)));
    return all.str();
  };

  data::ModalityReader audio{
      .name = "audio",
      .decode =
          [shared, rate = reading.sample_rate, length = reading.num_samples](std::int64_t entry) {
            return read_recording(shared->audio_file(static_cast<std::size_t>(entry)), rate, length);
          },
      .transform = reading.audio,
      .fingerprint =
          [shared, fingerprint, rate = reading.sample_rate] {
            const auto files = fingerprint([&](std::size_t clip) { return std::vector{shared->audio_file(clip)}; });
            return fmt::format("{} at {} Hz", files, rate);
          }};
  data::ModalityReader video{
      .name = "video",
      .decode =
          [shared, count = reading.num_frames](std::int64_t entry) {
            return read_frames(shared->frame_folder(static_cast<std::size_t>(entry)), count);
          },
      .transform = reading.video,
      .fingerprint =
          [shared, fingerprint, count = reading.num_frames] {
            return fingerprint([&](std::size_t clip) { return choose_frames(shared->frame_folder(clip), count); });
          }};
  return data::Samples({std::move(audio), std::move(video)}, std::move(index), seed);
}

}  // namespace g2d::dataset::detail
