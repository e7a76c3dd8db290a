// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/streaming.hpp>
#include <g2d/dataset/cremad.hpp>
#include <g2d/io/image.hpp>
#include <g2d/transform/resize.hpp>
#include "dataset/audio_visual_files.hpp"
#include "dataset/same_batches.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using g2d::DataError;
using g2d::dataset::MissingFiles;
using g2d::dataset::read_cremad;
using g2d_test::cremad_id;
using g2d_test::emotions;
using g2d_test::names_of;
using g2d_test::read_bytes;
using g2d_test::small_cremad;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using g2d_test::write_cremad;
namespace fs = std::filesystem;

}  // namespace

TEST_CASE("CREMA-D comes as the paper prepares it", "[dataset]") {
  const TemporaryFolder folder;
  write_cremad(folder.path());
  const auto dataset = read_cremad(folder.path());
  CHECK(dataset.target.names == std::vector<std::string>(emotions.begin(), emotions.end()));
  const auto& test = dataset.splits.test;
  CHECK(torch::equal(test.targets(), torch::arange(6)));
  CHECK(test.names() == g2d::ModalityNames({"audio", "video"}));
  CHECK(test.transform_description(0) ==
        "tile 66150, crop 66150 start, clip -1 to 1, spectrogram n_fft 512 hop 353 periodic hann centred padding zeros "
        "log offset 1e-07");
  CHECK(test.read(0, 0, 0).sizes() == at::IntArrayRef{1, 257, 188});
  CHECK(test.read(0, 1, 0).sizes() == at::IntArrayRef{3, 224, 224});

  const auto frame =
      g2d::io::read_image(folder / ("Image-01-FPS/" + cremad_id(24) + "/00058.jpg"));  // the middle one of four
  const auto mean = torch::tensor({0.485, 0.456, 0.406}).view({3, 1, 1});
  const auto deviation = torch::tensor({0.229, 0.224, 0.225}).view({3, 1, 1});
  const auto expected = (g2d::transform::Resize{224, 224}(frame).to(at::kFloat) / 255 - mean) / deviation;
  CHECK(torch::allclose(test.read(0, 1, 0), expected));
}

TEST_CASE("CREMA-D takes stereo, other sample rates and grey frames", "[dataset]") {
  const TemporaryFolder folder;
  write_cremad(folder.path());
  const auto dataset = read_cremad(folder.path(), small_cremad());
  std::map<std::string, std::pair<at::Tensor, at::Tensor>> read;
  for (const auto* samples : {&dataset.splits.train, &dataset.splits.validation}) {
    for (std::int64_t row = 0; row < samples->size(); ++row) {
      read[samples->sample_name(row)] = {samples->read(row, 0, 0), samples->read(row, 1, 0)};
    }
  }
  CHECK(read.size() == 24);
  CHECK(read.contains(cremad_id(2)));
  // 6000 samples of 16 kHz at 4 kHz, repeated: bin 300 / (4000 / 64) is the loudest.
  CHECK(read.at(cremad_id(3)).first[0].mean(1).argmax().item<std::int64_t>() == 5);
  // 6000 samples of 44.1 kHz are 0.14 s of 827 Hz; the sine was made for 16 kHz.
  CHECK(read.at(cremad_id(4)).first[0].mean(1).argmax().item<std::int64_t>() == 13);
  for (const auto& [name, sample] : read) {
    INFO(name);
    CHECK(sample.first.sizes() == at::IntArrayRef{1, 33, 41});
    CHECK(sample.second.sizes() == at::IntArrayRef{3, 16, 16});
  }
  const auto grey = read.at(cremad_id(5)).second * torch::tensor({0.229, 0.224, 0.225}).view({3, 1, 1}) +
                    torch::tensor({0.485, 0.456, 0.406}).view({3, 1, 1});
  CHECK(torch::allclose(grey[0], grey[2], 0, 1e-5));
}

TEST_CASE("CREMA-D finds its lists and frames where people keep them", "[dataset]") {
  const TemporaryFolder folder;
  write_cremad(folder.path());
  const auto expected = names_of(read_cremad(folder.path(), small_cremad()).splits.train);
  fs::create_directories(folder / "data/CREMAD");
  fs::create_directories(folder / "visual");
  fs::rename(folder / "Image-01-FPS", folder / "visual/Image-01-FPS");
  for (const auto* name : {"train.csv", "test.csv"}) fs::rename(folder / name, folder / "data/CREMAD" / name);
  CHECK(names_of(read_cremad(folder.path(), small_cremad()).splits.train) == expected);

  fs::rename(folder / "data/CREMAD", folder / "elsewhere");
  CHECK_THAT(thrown<DataError>([&] { (void)read_cremad(folder.path(), small_cremad()); }),
             Contains("got no train.csv; CremadOptions::lists"));
  auto options = small_cremad();
  options.lists = folder / "elsewhere";
  CHECK(names_of(read_cremad(folder.path(), options).splits.train) == expected);
}

TEST_CASE("clips without their files are refused by name, or left out with a warning", "[dataset]") {
  const TemporaryFolder folder;
  write_cremad(folder.path());
  fs::remove(folder / ("AudioWAV/" + cremad_id(6) + ".wav"));
  fs::remove_all(folder / ("Image-01-FPS/" + cremad_id(13)));
  for (const auto& entry : fs::directory_iterator(folder / ("Image-01-FPS/" + cremad_id(20)))) fs::remove(entry);
  CHECK_THAT(thrown<DataError>([&] { (void)read_cremad(folder.path(), small_cremad()); }),
             Contains("3 of 24 samples lack files") && Contains(cremad_id(6) + ".wav") && Contains(cremad_id(13)) &&
                 Contains(cremad_id(20) + ": 0 of 1 frames"));
  auto options = small_cremad();
  options.missing_files = MissingFiles::Drop;
  const auto dataset = read_cremad(folder.path(), options);
  CHECK(dataset.splits.train.size() + dataset.splits.validation.size() == 21);
  REQUIRE(dataset.warnings.size() == 1);
  CHECK_THAT(dataset.warnings[0], Contains("3 of 24") && Contains("left out"));
  options.num_frames = 5;
  CHECK_THAT(thrown<DataError>([&] { (void)read_cremad(folder.path(), options); }),
             Contains("24 of 24") && Contains("4 of 5 frames"));
}

TEST_CASE("a clip that cannot be read is named with the reason, when it is read", "[dataset]") {
  const TemporaryFolder folder;
  write_cremad(folder.path());
  const auto id = cremad_id(24);
  const auto wav = folder / ("AudioWAV/" + id + ".wav");
  write_bytes(wav, read_bytes(wav).substr(0, 1000));
  const auto frame = folder / ("Image-01-FPS/" + id + "/00058.jpg");
  write_bytes(frame, "no picture at all");
  const auto test = read_cremad(folder.path(), small_cremad()).splits.test;
  CHECK_THAT(thrown<DataError>([&] { (void)test.read(0, 0, 0); }),
             StartsWith("g2d: sample \"" + id + "\", modality \"audio\": io::read_audio: " + wav.string()));
  CHECK_THAT(thrown<DataError>([&] { (void)test.read(0, 1, 0); }),
             StartsWith("g2d: sample \"" + id + "\", modality \"video\": io::read_image: " + frame.string()));
  CHECK_THAT(thrown<DataError>([&] { (void)g2d::data::Streaming(test).batch(torch::arange(6)); }), Contains(id));
  fs::remove_all(folder / ("Image-01-FPS/" + id));
  CHECK_THAT(thrown<DataError>([&] { (void)test.read(0, 1, 0); }),
             Contains(id + ": expected at least 1 frames (.jpg, .png), got 0"));
}

TEST_CASE("CREMA-D names file, line and value of a bad row", "[dataset]") {
  const TemporaryFolder folder;
  write_cremad(folder.path());
  const auto list = folder / "test.csv";
  const auto good = read_bytes(list);
  const auto message = [&](const std::string& row) {
    write_bytes(list, good + row + "\n");
    return thrown<DataError>([&] { (void)read_cremad(folder.path(), small_cremad()); });
  };
  const auto line = list.string() + ": line 7: ";
  CHECK_THAT(message("1099_IEO_SUR_XX,SUR"),
             Contains(line + "expected one of the labels NEU, HAP, SAD, FEA, DIS, ANG, got \"SUR\""));
  CHECK_THAT(message(cremad_id(29) + ",ANG"), Contains(line + "expected every id once, got \"" + cremad_id(29) + "\""));
  CHECK_THAT(message(cremad_id(0) + ",NEU"), Contains(line) && Contains((folder / "train.csv").string() + ": line 1"));
  for (const auto* id : {"../../etc/passwd", "/etc/passwd", "..", "", "..\\up"}) {
    INFO(id);
    CHECK_THAT(message(fmt::format("{},NEU", id)),
               Contains(line + "expected the name of a clip, without folders, got \"" + id + "\""));
  }
  CHECK_THAT(message("1099_IEO_SAD_XX"), Contains("line 7: expected 2 cells, got 1"));
  write_bytes(list, "");
  CHECK_THAT(thrown<DataError>([&] { (void)read_cremad(folder.path(), small_cremad()); }), Contains(list.string()));
}
