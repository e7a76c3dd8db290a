// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_set>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/clips.hpp>
#include <g2d/dataset/detail/distinct_ids.hpp>
#include <g2d/dataset/detail/require_folder.hpp>
#include <g2d/dataset/missing_files.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/table.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/clip.hpp>
#include <g2d/transform/crop.hpp>
#include <g2d/transform/spectrogram.hpp>
#include <g2d/transform/tile.hpp>

namespace g2d::dataset {

/// Settings of read_vggsound. The defaults are the paper's recipe.
struct VggsoundOptions {
  std::int64_t num_classes = 309;      ///< How many labels the csv has to have; 0: any number.
  std::int64_t frames_per_second = 1;  ///< Which frames are read: those in Image-01-FPS.
  std::int64_t num_frames = 3;         ///< Of each clip, evenly spread.
  std::int64_t image_size = 224;       ///< Pixels, height and width.
  std::int64_t sample_rate = 16000;
  double tiled_seconds = 10;  ///< Shorter recordings are repeated, longer ones cut behind.
  double audio_seconds = 5;   ///< Cut out of that: at random in the training split, from the middle otherwise.
  transform::SpectrogramOptions spectrogram{.n_fft = 256, .hop = 128};
  bool augments = true;              ///< Random cuts, crops and flips in the training split.
  bool counts_frames = true;         ///< Looks into every clip's folder of frames before training, not only for it.
  double validation_fraction = 0.1;  ///< Of the training split, per class.
  std::uint64_t seed = 0;            ///< Of the validation split and the augmentation.
  MissingFiles missing_files = MissingFiles::Refuse;
};

namespace detail {

inline constexpr std::string_view vggsound_where = "dataset::read_vggsound";
inline constexpr std::string_view vggsound_layout =
    "vggsound.csv with rows <id>,<start seconds>,<label>,<train or test>, audio/{train,test}/<id>_<start as "
    "000000>.wav and "
    "video/frames/{train,test}/Image-01-FPS/<the same>/*.jpg (also without frames/)";

[[nodiscard]] inline io::Table read_vggsound_list(const std::filesystem::path& folder) {
  const auto file = folder / "vggsound.csv";
  require_file(vggsound_where, file, vggsound_layout);
  return io::read_csv(file, {.has_header = false, .column_names = {"youtube_id", "time", "label", "split"}});
}

/// The published list has no header; the one that the authors' scripts read has.
[[nodiscard]] inline std::size_t first_vggsound_row(const io::Table& table) {
  return table.cell(0, 3) == "split" ? 1 : 0;
}

/// The labels in alphabetic order. Errors: DataError for another number of them than expected.
[[nodiscard]] inline std::vector<std::string> vggsound_classes(const io::Table& table, std::int64_t num_classes) {
  std::unordered_set<std::string> labels;
  for (auto row = first_vggsound_row(table); row < table.num_rows(); ++row) labels.insert(table.cell(row, 2));
  if (num_classes != 0 && labels.size() != static_cast<std::size_t>(num_classes)) {
    throw DataError(fmt::format(
        "g2d: {}: {}: expected {} different labels, got {}; VggsoundOptions::num_classes 0 takes a part of the "
        "classes",
        vggsound_where, table.path().string(), num_classes, labels.size()));
  }
  std::vector<std::string> classes(labels.begin(), labels.end());
  std::sort(classes.begin(), classes.end());
  return classes;
}

/// "<id>_<start as 000000>". Errors: DataError naming file, line and cell.
[[nodiscard]] inline std::string vggsound_stem(const io::Table& table, std::size_t row) {
  const auto& text = table.cell(row, 1);
  std::int64_t start = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), start);
  if (error != std::errc{} || end != text.data() + text.size() || start < 0) {
    throw DataError(fmt::format("g2d: {}: {}: expected a whole number of seconds, got \"{}\"", vggsound_where,
                                table.location(row), text));
  }
  return fmt::format("{}_{:06}", table.cell(row, 0), start);
}

struct VggsoundList {
  std::vector<std::string> classes;
  Clips train;
  Clips test;
};

/// What the csv lists, without folders. The table and all else that is only needed to check it is gone when this
/// returns.
[[nodiscard]] inline VggsoundList list_vggsound(const std::filesystem::path& folder, std::int64_t num_classes) {
  const auto table = read_vggsound_list(folder);
  VggsoundList list{vggsound_classes(table, num_classes), {}, {}};
  DistinctIds listed;
  for (auto row = first_vggsound_row(table); row < table.num_rows(); ++row) {
    const auto& split = table.cell(row, 3);
    if (split != "train" && split != "test") {
      throw DataError(fmt::format("g2d: {}: {}: expected the split \"train\" or \"test\", got \"{}\"", vggsound_where,
                                  table.location(row), split));
    }
    auto stem = vggsound_stem(table, row);
    check_clip_name(stem, table.location(row));
    listed.add(stem, table.location(row));
    auto& clips = split == "train" ? list.train : list.test;
    clips.stems.push_back(std::move(stem));
    clips.labels.push_back(std::lower_bound(list.classes.begin(), list.classes.end(), table.cell(row, 2)) -
                           list.classes.begin());
  }
  if (list.train.stems.empty() || list.test.stems.empty()) {
    throw DataError(fmt::format("g2d: {}: {}: expected rows of the splits \"train\" and \"test\", got {} and {}",
                                vggsound_where, table.path().string(), list.train.stems.size(),
                                list.test.stems.size()));
  }
  return list;
}

/// Where files are named <id>.wav, without the start, so are the clips.
inline void adopt_short_names(Clips& clips) {
  const auto recordings = list_folder(vggsound_where, clips.audio);
  for (auto& stem : clips.stems) {
    auto id = stem.substr(0, stem.rfind('_'));
    if (!has_recording(recordings, stem) && has_recording(recordings, id)) stem = std::move(id);
  }
}

inline void find_vggsound_split(const std::filesystem::path& folder, const std::string& split,
                                std::int64_t frames_per_second, Clips& clips) {
  const auto images = fmt::format("{}/Image-{:02}-FPS", split, frames_per_second);
  clips.audio = find_folder(vggsound_where, folder, {"audio/" + split}, vggsound_layout);
  clips.frames = find_folder(vggsound_where, folder, {"video/frames/" + images, "video/" + images}, vggsound_layout);
}

[[nodiscard]] inline transform::Chain vggsound_audio(const VggsoundOptions& options, bool augments) {
  const auto tiled = num_audio_samples(options.tiled_seconds, options.sample_rate);
  const auto length = num_audio_samples(options.audio_seconds, options.sample_rate);
  return {transform::Tile{tiled}, transform::Crop{tiled},
          transform::Crop{length, augments ? transform::Place::Random : transform::Place::Center}, transform::Clip{},
          transform::Spectrogram(options.spectrogram)};
}

}  // namespace detail

/// Reads VGGSound, sounds of YouTube and what is seen meanwhile: modalities "audio" and "video", 309 classes.
///
/// Layout     vggsound.csv, rows <id>,<start seconds>,<label>,<train or test>, quoted where needed, with or without the
///            header of the authors' scripts; audio/{train,test}/<id>_<start as 000000>.wav, or <id>.wav;
///            video/frames/{train,test}/Image-01-FPS/<as the wav>/*.jpg, or without frames/. Labels are numbered in
///            alphabetic order, over all rows, whichever files are there.
/// Splits     the csv's; validation is held out of the training part, stratified by class (ours: the authors have
///            none).
/// Audio      one channel at 16 kHz, repeated to 10 s and cut there, 5 s of it (at random in training, from the middle
///            otherwise), clipped to [-1, 1], log(|STFT| + 1e-7), n_fft 256, hop 128: [1, 129, 626]. The authors cut at
///            random in the test split too, and double a short recording until it has 10 s. The padding mode is that of
///            librosa from 0.9 on.
/// Video      the middle frames of three equal parts (ours: the authors draw three by NumPy's generator, seeded alike
///            for each clip), each cropped and flipped at random in training, otherwise scaled to 224 x 224, bilinear
///            with antialiasing; ImageNet's mean and deviation: [3, 3, 224, 224], channels first, or [3, 224, 224] for
///            one frame. The authors leave out clips of fewer than four frames; here they need num_frames.
/// Cost       listing reads the csv and the folders, no media: three seconds for 200,000 clips, and with counts_frames
///            some more, as long as the disk takes for as many folders; 350 bytes of memory a clip.
/// Errors     DataError naming what is missing and the layout; csv and line of an unknown split, a start that is no
///            number, an id listed twice or one that leads out of the folder; another number of classes; clips without
///            their files, unless those are dropped. ConfigError for settings out of range.
/// Source     the authors' dataset/VGGSoundDataset.py, data/VGGSound/{video_preprocessing,mp4_to_wav}.py; the csv:
///            arXiv:2004.14368.
[[nodiscard]] inline Dataset read_vggsound(const std::filesystem::path& folder, const VggsoundOptions& options = {}) {
  constexpr auto where = detail::vggsound_where;
  detail::check_positive(
      where, {{"frames_per_second", options.frames_per_second},
              {"num_frames", options.num_frames},
              {"image_size", options.image_size},
              {"sample_rate", options.sample_rate},
              {"audio_seconds * sample_rate", detail::num_audio_samples(options.audio_seconds, options.sample_rate)}});
  if (!(options.tiled_seconds >= options.audio_seconds) || options.num_classes < 0) {
    throw ConfigError(
        fmt::format("g2d: {}: expected tiled_seconds >= audio_seconds and num_classes >= 0, got {}, {} and {}", where,
                    options.tiled_seconds, options.audio_seconds, options.num_classes));
  }
  auto list = detail::list_vggsound(folder, options.num_classes);
  std::vector<std::string> warnings;
  const auto complete = [&](detail::Clips& clips, const std::string& split) {
    detail::find_vggsound_split(folder, split, options.frames_per_second, clips);
    detail::adopt_short_names(clips);
    return detail::complete_clips(where, clips, options.counts_frames ? options.num_frames : 0, options.missing_files,
                                  warnings);
  };
  const auto train = complete(list.train, "train");
  const auto clips = detail::split_clips(train, complete(list.test, "test"), list.classes, options.validation_fraction,
                                         options.seed, warnings);
  const auto reading = [&](bool augments) {
    return detail::ClipReading{options.sample_rate,
                               detail::num_audio_samples(options.tiled_seconds, options.sample_rate),
                               options.num_frames, detail::vggsound_audio(options, augments),
                               detail::frame_transform(options.image_size, options.num_frames, augments)};
  };
  const auto plain = reading(false);
  const auto training = reading(options.augments);
  data::Splits<data::Samples> splits{detail::clip_samples(clips.train, training, options.seed),
                                     detail::clip_samples(clips.validation, plain, options.seed),
                                     detail::clip_samples(clips.test, plain, options.seed)};
  auto description = fmt::format(
      "VGGSound, {} classes; validation: {} of the training part, stratified, seed {}; audio: {} Hz, {}, in "
      "training {}; video: {} of the frames at {} a second, {}, in training {}",
      list.classes.size(), options.validation_fraction, options.seed, options.sample_rate, plain.audio.description(),
      training.audio.description(), options.num_frames, options.frames_per_second, plain.video.description(),
      training.video.description());
  const auto num_classes = static_cast<std::int64_t>(list.classes.size());
  return {"VGGSound",
          std::move(splits),
          {OutputKind::Classes, num_classes, std::move(list.classes)},
          std::move(description),
          std::move(warnings)};
}

}  // namespace g2d::dataset
