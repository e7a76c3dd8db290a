// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/vggsound.hpp>
#include <g2d/io/audio.hpp>
#include <g2d/io/image.hpp>
#include <g2d/transform/normalize.hpp>
#include <g2d/transform/resize.hpp>
#include <g2d/transform/spectrogram.hpp>
#include "dataset/audio_visual_files.hpp"
#include "dataset/same_batches.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using g2d::DataError;
using g2d::dataset::read_vggsound;
using g2d_test::names_of;
using g2d_test::picture;
using g2d_test::read_bytes;
using g2d_test::small_vggsound;
using g2d_test::sounds;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::vggsound_frames;
using g2d_test::vggsound_id;
using g2d_test::vggsound_row;
using g2d_test::vggsound_stem;
using g2d_test::write_bytes;
using g2d_test::write_jpeg;
using g2d_test::write_vggsound;
using g2d_test::write_wav;
namespace fs = std::filesystem;

}  // namespace

TEST_CASE("VGGSound numbers its labels in alphabetic order and reads three frames", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  const auto dataset = read_vggsound(folder.path(), small_vggsound());
  CHECK(dataset.target.names == std::vector<std::string>{sounds[2], sounds[1], sounds[0]});
  CHECK(torch::equal(dataset.splits.test.targets(), torch::tensor({2, 1, 0, 2, 1, 0}, at::kLong)));
  const auto& test = dataset.splits.test;
  CHECK(test.read(0, 0, 0).sizes() == at::IntArrayRef{1, 33, 81});
  const auto video = test.read(0, 1, 0);
  CHECK(video.sizes() == at::IntArrayRef{3, 3, 16, 16});
  const auto frames = vggsound_frames(folder.path(), 12) / vggsound_stem(12);
  int position = 0;
  for (const auto* name : {"00000.jpg", "00058.jpg", "00087.jpg"}) {
    const auto image = g2d::transform::Resize{16, 16}(g2d::io::read_image(frames / name)).to(at::kFloat) / 255;
    const auto expected = g2d::transform::Normalize(g2d::transform::imagenet_mean, g2d::transform::imagenet_std)(image);
    CHECK(torch::allclose(video.select(1, position++), expected));
  }
}

TEST_CASE("VGGSound comes in the paper's sizes", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  const auto splits = read_vggsound(folder.path(), {.num_classes = 0}).splits;
  CHECK(splits.train.read(0, 0, 0).sizes() == at::IntArrayRef{1, 129, 626});
  CHECK(splits.test.read(0, 0, 0).sizes() == at::IntArrayRef{1, 129, 626});
  CHECK(splits.train.read(0, 1, 0).sizes() == at::IntArrayRef{3, 3, 224, 224});
}

TEST_CASE("VGGSound takes the authors' header, short names and frames beside the videos", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  const auto expected = read_vggsound(folder.path(), small_vggsound());
  write_bytes(folder / "vggsound.csv", "youtube_id,time,label,split\n" + read_bytes(folder / "vggsound.csv"));
  CHECK(names_of(read_vggsound(folder.path(), small_vggsound()).splits.train) == names_of(expected.splits.train));
  const auto first = expected.splits.test.read(0, 0, 0);

  for (const auto* split : {"train", "test"}) fs::rename(folder / "video/frames" / split, folder / "video" / split);
  for (int number = 0; number < 18; ++number) {
    const std::string split = number < 12 ? "train" : "test";
    const auto frames = folder / ("video/" + split + "/Image-01-FPS");
    fs::rename(folder / ("audio/" + split) / (vggsound_stem(number) + ".wav"),
               folder / ("audio/" + split) / (vggsound_id(number) + ".wav"));
    fs::rename(frames / vggsound_stem(number), frames / vggsound_id(number));
  }
  const auto renamed = read_vggsound(folder.path(), small_vggsound()).splits.test;
  CHECK(renamed.sample_name(0) == vggsound_id(12));
  CHECK(torch::equal(renamed.read(0, 0, 0), first));
}

TEST_CASE("VGGSound cuts the same seconds out of the middle that the formula says", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  const auto rising =
      torch::linspace(-1, 1, 8000);  // two seconds at 4 kHz: the second in the middle is its samples 2000 to 5999
  write_wav(folder / ("audio/test/" + vggsound_stem(12) + ".wav"), rising, 4000);
  const auto test = read_vggsound(folder.path(), small_vggsound()).splits.test;
  const auto waveform =
      g2d::io::read_audio(folder / ("audio/test/" + vggsound_stem(12) + ".wav")).samples.narrow(0, 2000, 4000);
  CHECK(torch::equal(test.read(0, 0, 0), g2d::transform::Spectrogram({.n_fft = 64, .hop = 50})(waveform)));
}

TEST_CASE("VGGSound names file, line and value of a bad row", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  const auto list = folder / "vggsound.csv";
  const auto good = read_bytes(list);
  const auto message = [&](const std::string& row) {
    write_bytes(list, good + row + "\n");
    return thrown<DataError>([&] { (void)read_vggsound(folder.path(), small_vggsound()); });
  };
  const auto line = list.string() + ": line 19: ";
  CHECK_THAT(message("abc,10,dog growling,validation"),
             Contains(line + "expected the split \"train\" or \"test\", got \"validation\""));
  CHECK_THAT(message("abc,ten,dog growling,train"), Contains(line + "expected a whole number of seconds, got \"ten\""));
  CHECK_THAT(message("abc,-1,dog growling,train"), Contains("got \"-1\""));
  CHECK_THAT(message("../abc,1,dog growling,train"), Contains(line + "expected the name of a clip, without folders"));
  CHECK_THAT(message(vggsound_row(3)),
             Contains(line + "expected every id once, got \"" + vggsound_stem(3) + "\"") && Contains("line 4"));
  CHECK_THAT(message("abc,10,dog growling, and barking,train"), Contains("line 19: expected 4 cells, got 5"));
  CHECK_THAT(message("abc,10,another sound,train"),
             Contains("expected 3 different labels, got 4") && Contains("num_classes 0"));
  write_bytes(list, vggsound_row(0) + vggsound_row(3));
  auto options = small_vggsound();
  options.num_classes = 0;
  CHECK_THAT(thrown<DataError>([&] { (void)read_vggsound(folder.path(), options); }),
             Contains("expected rows of the splits \"train\" and \"test\", got 2 and 0"));
}

TEST_CASE("VGGSound counts frames beforehand, or finds out when it reads", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  const auto frames = vggsound_frames(folder.path(), 12) / vggsound_stem(12);
  fs::remove(frames / "00000.jpg");
  fs::remove(frames / "00029.jpg");
  CHECK_THAT(thrown<DataError>([&] { (void)read_vggsound(folder.path(), small_vggsound()); }),
             Contains("2 of 3 frames"));
  auto options = small_vggsound();
  options.counts_frames = false;
  const auto test = read_vggsound(folder.path(), options).splits.test;
  CHECK_THAT(thrown<DataError>([&] { (void)test.read(0, 1, 0); }),
             Contains(frames.string() + ": expected at least 3 frames"));
  write_jpeg(frames / "00000.jpg", picture(30, 30));
  CHECK_THAT(thrown<DataError>([&] { (void)test.read(0, 1, 0); }), Contains("expected frames of one size"));
}
