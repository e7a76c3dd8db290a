// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/dataset.hpp>
#include <g2d/dataset/detail/clips.hpp>
#include <g2d/dataset/detail/distinct_ids.hpp>
#include <g2d/dataset/missing_files.hpp>
#include <g2d/io/csv.hpp>
#include <g2d/io/detail/ending.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/clip.hpp>
#include <g2d/transform/crop.hpp>
#include <g2d/transform/spectrogram.hpp>
#include <g2d/transform/tile.hpp>

namespace g2d::dataset {

/// Settings of read_cremad. The defaults are the paper's recipe.
struct CremadOptions {
  std::filesystem::path lists{};  ///< Folder of train.csv and test.csv; empty: the dataset's own, or data/CREMAD in it.
  std::int64_t frames_per_second = 1;  ///< Which frames are read: those in Image-01-FPS.
  std::int64_t num_frames = 1;         ///< Of each clip, evenly spread.
  std::int64_t image_size = 224;       ///< Pixels, height and width.
  std::int64_t sample_rate = 22050;
  double audio_seconds = 3;  ///< Shorter recordings are repeated, longer ones cut behind.
  transform::SpectrogramOptions spectrogram{.n_fft = 512, .hop = 353};
  bool augments = true;              ///< Random crops and flips in the training split.
  double validation_fraction = 0.1;  ///< Of the training split, per class.
  std::uint64_t seed = 0;            ///< Of the validation split and the augmentation.
  MissingFiles missing_files = MissingFiles::Refuse;
};

namespace detail {

inline constexpr std::string_view cremad_where = "dataset::read_cremad";
inline constexpr std::string_view cremad_layout =
    "AudioWAV/<id>.wav, Image-01-FPS/<id>/*.jpg (also below visual/), and train.csv and test.csv with rows "
    "<id>,<label> (also below "
    "data/CREMAD/)";

[[nodiscard]] inline std::filesystem::path find_cremad_lists(const std::filesystem::path& folder,
                                                             const std::filesystem::path& lists) {
  if (!lists.empty()) return lists;
  std::error_code error;
  for (const auto& candidate : {folder, folder / "data" / "CREMAD"}) {
    if (std::filesystem::exists(candidate / "train.csv", error)) return candidate;
  }
  throw DataError(fmt::format("g2d: {}: {}: expected {}, got no train.csv; CremadOptions::lists may name its folder",
                              cremad_where, folder.string(), cremad_layout));
}

/// Appends the rows of one csv.
inline void list_cremad(const io::Table& table, const std::vector<std::string>& classes, DistinctIds& listed,
                        Clips& clips) {
  for (std::size_t row = 0; row < table.num_rows(); ++row) {
    auto id = table.cell(row, 0);
    if (io::detail::lower_case_ending(id) == ".wav") id = std::filesystem::path(id).replace_extension().string();
    check_clip_name(id, table.location(row));
    listed.add(id, table.location(row));
    const auto& label = table.cell(row, 1);
    const auto found = std::find(classes.begin(), classes.end(), label);
    if (found == classes.end()) {
      throw DataError(fmt::format("g2d: {}: {}: expected one of the labels {}, got \"{}\"", cremad_where,
                                  table.location(row), fmt::join(classes, ", "), label));
    }
    clips.stems.push_back(std::move(id));
    clips.labels.push_back(found - classes.begin());
  }
}

[[nodiscard]] inline transform::Chain cremad_audio(const CremadOptions& options) {
  const auto length = num_audio_samples(options.audio_seconds, options.sample_rate);
  return {transform::Tile{length}, transform::Crop{length}, transform::Clip{},
          transform::Spectrogram(options.spectrogram)};
}

}  // namespace detail

/// Reads CREMA-D, acted emotions: what is said (modality "audio") and the face that says it ("video"), six classes.
///
/// Layout     AudioWAV/<id>.wav; Image-01-FPS/<id>/*.jpg as the authors' script makes them from the videos, there or
///            below visual/; train.csv and test.csv without header, rows <id>,<label>, there or below data/CREMAD/.
///            Labels are numbered NEU, HAP, SAD, FEA, DIS, ANG.
/// Splits     the lists'; validation is held out of the training list, stratified by class (ours: the authors choose
///            the best epoch on the test split).
/// Audio      one channel at 22.05 kHz, repeated to 3 s and cut there, clipped to [-1, 1], log(|STFT| + 1e-7), n_fft
///            512, hop 353: [1, 257, 188]. The authors repeat three times, which differs only for clips under 1 s;
///            CREMA-D has none. The padding mode is that of librosa from 0.9 on; libsamplerate resamples instead of
///            librosa's resampler.
/// Video      the middle frame of each of num_frames equal parts (ours: the authors draw one by NumPy's generator,
///            seeded alike for each clip); training: random resized crop and flip; otherwise scaled to 224 x 224,
///            bilinear with antialiasing; ImageNet's mean and deviation: [3, 224, 224], or
///            [3, num_frames, 224, 224] for several frames.
/// Errors     DataError naming what is missing and the layout; the csv and line of an unknown label, an id listed twice
///            or one that leads out of the folder; clips without their files, unless those are dropped. ConfigError for
///            settings out of range.
/// Source     the authors' dataset/CremadDataset.py and data/CREMAD/video_preprocessing.py.
[[nodiscard]] inline Dataset read_cremad(const std::filesystem::path& folder, const CremadOptions& options = {}) {
  constexpr auto where = detail::cremad_where;
  detail::check_positive(
      where, {{"frames_per_second", options.frames_per_second},
              {"num_frames", options.num_frames},
              {"image_size", options.image_size},
              {"sample_rate", options.sample_rate},
              {"audio_seconds * sample_rate", detail::num_audio_samples(options.audio_seconds, options.sample_rate)}});
  const auto audio = detail::find_folder(where, folder, {"AudioWAV"}, detail::cremad_layout);
  const auto image_folder = fmt::format("Image-{:02}-FPS", options.frames_per_second);
  const auto frames =
      detail::find_folder(where, folder, {image_folder, "visual/" + image_folder}, detail::cremad_layout);
  const auto lists = detail::find_cremad_lists(folder, options.lists);
  const io::CsvOptions without_header{.has_header = false, .column_names = {"id", "label"}};
  const auto train_table = io::read_csv(lists / "train.csv", without_header);
  const auto test_table = io::read_csv(lists / "test.csv", without_header);

  const std::vector<std::string> classes{"NEU", "HAP", "SAD", "FEA", "DIS", "ANG"};
  detail::DistinctIds listed;
  detail::Clips train{audio, frames, {}, {}};
  detail::Clips test{audio, frames, {}, {}};
  detail::list_cremad(train_table, classes, listed, train);
  detail::list_cremad(test_table, classes, listed, test);

  std::vector<std::string> warnings;
  const auto complete = [&](const detail::Clips& clips) {
    return detail::complete_clips(where, clips, options.num_frames, options.missing_files, warnings);
  };
  const auto complete_train = complete(train);
  const auto clips =
      detail::split_clips(complete_train, complete(test), classes, options.validation_fraction, options.seed, warnings);
  const detail::ClipReading plain{
      options.sample_rate, detail::num_audio_samples(options.audio_seconds, options.sample_rate), options.num_frames,
      detail::cremad_audio(options), detail::frame_transform(options.image_size, options.num_frames, false)};
  auto training = plain;
  training.video = detail::frame_transform(options.image_size, options.num_frames, options.augments);
  data::Splits<data::Samples> splits{detail::clip_samples(clips.train, training, options.seed),
                                     detail::clip_samples(clips.validation, plain, options.seed),
                                     detail::clip_samples(clips.test, plain, options.seed)};
  auto description = fmt::format(
      "CREMA-D; validation: {} of the training list, stratified, seed {}; audio: {} Hz, {}; video: {} of the frames at "
      "{} a second, {}, in "
      "training {}",
      options.validation_fraction, options.seed, options.sample_rate, plain.audio.description(), options.num_frames,
      options.frames_per_second, plain.video.description(), training.video.description());
  return {"CREMA-D",
          std::move(splits),
          {OutputKind::Classes, static_cast<std::int64_t>(classes.size()), classes},
          std::move(description),
          std::move(warnings)};
}

}  // namespace g2d::dataset
