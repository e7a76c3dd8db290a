// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <torch/torch.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>

#include <g2d/dataset/cremad.hpp>
#include <g2d/dataset/vggsound.hpp>

#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"

/// Small audio-visual datasets in the layouts of the published ones, and settings under which reading them takes no
/// time.
namespace g2d_test {

using g2d::dataset::CremadOptions;
using g2d::dataset::VggsoundOptions;
namespace fs = std::filesystem;

inline void write_clip(const fs::path& audio, const fs::path& frames, const std::string& stem, int number) {
  fs::create_directories(audio);
  fs::create_directories(frames / stem);
  write_wav(audio / (stem + ".wav"), sine(200 + 40 * number, 5000 + 100 * number));
  for (const int frame : {0, 29, 58, 87}) {
    write_jpeg(frames / stem / fmt::format("{:05}.jpg", frame),
               picture(20 + number % 3, 24).div(1 + frame % 5, "floor"));
  }
}

inline const std::array<std::string, 6> emotions{"NEU", "HAP", "SAD", "FEA", "DIS", "ANG"};

inline std::string cremad_id(int number) {
  return fmt::format("{}_IEO_{}_XX", 1001 + number, emotions[static_cast<std::size_t>(number % 6)]);
}

/// 24 clips for training and 6 for testing, in the published layout, with what real trees hold: a byte order mark, a
/// quoted cell, a file name for an id, stereo, another sample rate, grey frames, files of the system's own.
inline void write_cremad(const fs::path& folder) {
  std::string train = "\xEF\xBB\xBF";
  std::string test;
  for (int number = 0; number < 30; ++number) {
    const auto id = cremad_id(number);
    write_clip(folder / "AudioWAV", folder / "Image-01-FPS", id, number);
    const auto listed = number == 1 ? fmt::format("\"{}\"", id) : number == 2 ? id + ".wav" : id;
    (number < 24 ? train : test) += fmt::format("{},{}\r\n", listed, emotions[static_cast<std::size_t>(number % 6)]);
  }
  write_bytes(folder / "train.csv", train);
  write_bytes(folder / "test.csv", test);
  const auto tone = sine(300, 6000);
  write_wav(folder / "AudioWAV" / (cremad_id(3) + ".wav"), torch::stack({tone, -0.5 * tone}));
  write_wav(folder / "AudioWAV" / (cremad_id(4) + ".wav"), tone, 44100);
  write_jpeg(folder / "Image-01-FPS" / cremad_id(5) / "00058.jpg", picture(20, 20).narrow(0, 0, 1));
  write_bytes(folder / "Image-01-FPS" / cremad_id(5) / ".DS_Store", "none of ours");
  write_bytes(folder / "Image-01-FPS" / cremad_id(5) / "._00000.jpg", "none of ours");
}

inline CremadOptions small_cremad() {
  CremadOptions options;
  options.image_size = 16;
  options.sample_rate = 4000;
  options.audio_seconds = 0.5;
  options.spectrogram = {.n_fft = 64, .hop = 50};
  options.augments = false;
  options.validation_fraction = 0.25;
  return options;
}

inline const std::array<std::string, 3> sounds{"people eating, noodles", "dog growling", "car \"engine\" idling"};

inline std::string vggsound_id(int number) { return fmt::format("-_video{:04}", number); }
inline std::string vggsound_stem(int number) { return fmt::format("{}_{:06}", vggsound_id(number), 10 * number); }

inline std::string vggsound_row(int number) {
  auto label = sounds[static_cast<std::size_t>(number % 3)];
  for (auto quote = label.find('"'); quote != std::string::npos; quote = label.find('"', quote + 2))
    label.insert(quote, 1, '"');
  return fmt::format("{},{},\"{}\",{}\n", vggsound_id(number), 10 * number, label, number < 12 ? "train" : "test");
}

inline fs::path vggsound_frames(const fs::path& folder, int number) {
  return folder / "video" / "frames" / (number < 12 ? "train" : "test") / "Image-01-FPS";
}

/// 12 clips for training and 6 for testing.
inline void write_vggsound(const fs::path& folder) {
  std::string list;
  for (int number = 0; number < 18; ++number) {
    write_clip(folder / "audio" / (number < 12 ? "train" : "test"), vggsound_frames(folder, number),
               vggsound_stem(number), number);
    list += vggsound_row(number);
  }
  write_bytes(folder / "vggsound.csv", list);
}

inline VggsoundOptions small_vggsound() {
  VggsoundOptions options;
  options.num_classes = 3;
  options.image_size = 16;
  options.sample_rate = 4000;
  options.tiled_seconds = 2;
  options.audio_seconds = 1;
  options.spectrogram = {.n_fft = 64, .hop = 50};
  options.augments = false;
  options.validation_fraction = 0.25;
  return options;
}

/// 40 samples for training and 20 for testing.
inline void write_av_mnist(const fs::path& folder) {
  fs::create_directories(folder / "image");
  fs::create_directories(folder / "audio");
  torch::manual_seed(1);
  for (const auto& [part, count] : {std::pair<std::string, std::int64_t>{"train", 40}, {"test", 20}}) {
    write_npy(folder / "image" / (part + "_data.npy"), torch::randint(256, {count, 784}, at::kDouble));
    write_npy(folder / "audio" / (part + "_data.npy"), torch::randint(256, {count, 112, 112}, at::kByte));
    write_npy(folder / (part + "_labels.npy"), torch::arange(count, at::kLong).remainder(10).to(at::kByte));
  }
}

}  // namespace g2d_test
