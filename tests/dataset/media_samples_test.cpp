// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <filesystem>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/cremad.hpp>
#include <g2d/dataset/houses.hpp>
#include <g2d/dataset/manifest.hpp>
#include <g2d/dataset/unreadable_samples.hpp>
#include <g2d/io/read_warnings.hpp>

#include "dataset/same_batches.hpp"
#include "support/catch.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

/// What datasets make of files that are odd: names in capitals, recordings that are too long, files that are broken.
namespace {

using Catch::Matchers::Contains;
using g2d::DataError;
using g2d::dataset::ManifestOptions;
using g2d::dataset::read_manifest;
using g2d::dataset::UnreadableSamples;
using g2d::io::read_warnings;
using g2d_test::names_of;
using g2d_test::picture;
using g2d_test::sine;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using g2d_test::write_jpeg;
using g2d_test::write_wav;
using Names = std::vector<std::string>;

/// Ten samples with an image and a recording of 0.1 s each: six to train, two to validate, two to test.
struct MediaTree {
  MediaTree() {
    std::string text = "id,split,label,image:face,audio:voice\n";
    for (int i = 0; i < 10; ++i) {
      write_jpeg(folder / fmt::format("{}.jpg", i), picture(20, 30));
      write_wav(folder / fmt::format("{}.wav", i), sine(440, 800, 8000), 8000);
      text += fmt::format("s{},{},{},{}.jpg,{}.wav\n", i,
                          i < 6   ? "train"
                          : i < 8 ? "val"
                                  : "test",
                          i % 2 == 0 ? "dog" : "cat", i, i);
    }
    write_bytes(folder / "manifest.csv", text);
    read_warnings().clear();
  }

  [[nodiscard]] g2d::dataset::Dataset read(UnreadableSamples unreadable = UnreadableSamples::Refuse) const {
    return read_manifest(folder.path(),
                         {.image = {.size = 16},
                          .audio = {.sample_rate = 8000, .seconds = 0.1, .spectrogram = {.n_fft = 64, .hop = 32}},
                          .unreadable_samples = unreadable});
  }

  TemporaryFolder folder;
};

void read_all(const g2d::data::Samples& samples) {
  for (std::int64_t row = 0; row < samples.size(); ++row) {
    for (std::size_t m = 0; m < samples.names().size(); ++m) (void)samples.read(row, m, 0);
  }
}

}  // namespace

TEST_CASE("dataset::read_manifest: recordings of which a part is left out are counted", "[dataset][manifest]") {
  const MediaTree tree;
  read_all(tree.read().splits.train);
  CHECK(read_warnings().all().empty());
  for (const int i : {1, 4}) write_wav(tree.folder / fmt::format("{}.wav", i), sine(440, 801, 8000), 8000);
  for (int epoch = 0; epoch < 2; ++epoch) read_all(tree.read().splits.train);
  REQUIRE(read_warnings().all().size() == 1);
  CHECK(read_warnings().all()[0].str() ==
        fmt::format("2 files: recording of more than 0.1 s, the rest of which is not used, first {}",
                    (tree.folder / "1.wav").string()));
}

TEST_CASE("dataset::read_manifest: samples that cannot be read are refused by name, or left out and counted",
          "[dataset][manifest]") {
  const MediaTree tree;
  write_bytes(tree.folder / "2.jpg", "no picture");
  write_bytes(tree.folder / "9.wav", "no sound");
  const auto refusing = tree.read();
  CHECK_THAT(thrown<DataError>([&] { read_all(refusing.splits.train); }),
             Contains("sample \"s2\", modality \"face\"") && Contains("2.jpg: expected a JPEG or PNG"));

  const auto check = [&](const g2d::dataset::Dataset& dataset) {
    CHECK(names_of(dataset.splits.train) == Names{"s0", "s1", "s3", "s4", "s5"});
    CHECK(names_of(dataset.splits.validation) == Names{"s6", "s7"});
    CHECK(names_of(dataset.splits.test) == Names{"s8"});
    read_all(dataset.splits.train);
    read_all(dataset.splits.test);
  };
  const auto dropping = tree.read(UnreadableSamples::Drop);
  check(dropping);
  REQUIRE(dropping.warnings.size() == 1);
  CHECK_THAT(dropping.warnings[0], Contains("2 of 10 samples cannot be read: left out; the first: sample \"s2\""));

  const auto left_out = g2d::dataset::leave_out_unreadable(refusing);
  check(left_out);
  REQUIRE(left_out.warnings.size() == 2);
  CHECK_THAT(left_out.warnings[0], Contains("1 of 6 training samples cannot be read: left out; the first: sample"));
  CHECK_THAT(left_out.warnings[1], Contains("1 of 2 test samples cannot be read"));

  for (int i = 0; i < 10; ++i) write_bytes(tree.folder / fmt::format("{}.jpg", i), "no picture");
  CHECK_THAT(thrown<DataError>([&] { (void)tree.read(UnreadableSamples::Drop); }),
             Contains("expected samples that can be read, got none; 10 of 10 samples cannot be read: sample \"s0\""));
}

TEST_CASE("dataset: file endings in capitals are the same endings", "[dataset][manifest]") {
  const TemporaryFolder folder;
  std::string csv = "id,split,label,image:x,audio:y,sequence:z,npy:w\n";
  for (int i = 0; i < 6; ++i) {
    write_jpeg(folder / fmt::format("{}.JPG", i), picture(20, 30));
    write_wav(folder / fmt::format("{}.WAV", i), sine(440, 800, 8000), 8000);
    g2d_test::write_npy(folder / fmt::format("w{}.NPY", i), torch::ones({3}));
    const auto* ending = i % 3 == 0 ? "NPY" : i % 3 == 1 ? "NPZ" : "CSV";
    const auto path = folder / fmt::format("{}.{}", i, ending);
    if (i % 3 == 0) g2d_test::write_npy(path, torch::ones({2, 2}));
    if (i % 3 == 1) g2d_test::write_npz(path, {{"z", torch::ones({2, 2})}});
    if (i % 3 == 2) write_bytes(path, "a,b\n1,1\n1,1\n");
    csv += fmt::format("{},{},p,{}.JPG,{}.WAV,{}.{},w{}.NPY\n", i,
                       i < 3   ? "train"
                       : i < 5 ? "val"
                               : "test",
                       i, i, i, ending, i);
  }
  write_bytes(folder / "MANIFEST.CSV", csv);
  const ManifestOptions options{.image = {.size = 8}};
  for (const auto& path : {folder / "MANIFEST.CSV"}) {
    const auto dataset = read_manifest(path, options);
    read_all(dataset.splits.train);
    for (std::int64_t row = 0; row < 3; ++row) {
      CHECK(torch::equal(dataset.splits.train.read(row, 2, 0), torch::ones({2, 2})));
    }
  }
  write_bytes(folder / "PEOPLE.JSON",
              R"([{"id": "a", "split": "train", "label": "p", "image:x": "0.JPG"},
                  {"id": "b", "split": "val", "label": "p", "image:x": "1.JPG"},
                  {"id": "c", "split": "test", "label": "p", "image:x": "2.JPG"}])");
  CHECK(names_of(read_manifest(folder / "PEOPLE.JSON", options).splits.test) == Names{"c"});
}

TEST_CASE("dataset::read_cremad, read_houses: recordings and pictures may end in capitals", "[dataset]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "AudioWAV");
  std::string list;
  for (int i = 0; i < 20; ++i) {
    const auto id = fmt::format("10{:02}_ITS_NEU_XX", i);
    write_wav(folder / ("AudioWAV/" + id + ".WAV"), sine(440, 800, 8000), 8000);
    std::filesystem::create_directories(folder / ("Image-01-FPS/" + id));
    write_jpeg(folder / ("Image-01-FPS/" + id + "/1.JPG"), picture(20, 30));
    list += id + (i % 2 == 0 ? ",NEU\n" : ",HAP\n");
  }
  const auto half = list.size() / 2;
  write_bytes(folder / "train.csv", list.substr(0, half));
  write_bytes(folder / "test.csv", list.substr(half));
  const auto clips = g2d::dataset::read_cremad(folder.path(), {.image_size = 16, .validation_fraction = 0.3});
  read_all(clips.splits.test);

  std::string info;
  for (int i = 1; i <= 12; ++i) {
    for (const auto* room : {"bathroom", "bedroom", "frontal", "kitchen"}) {
      write_jpeg(folder / fmt::format("{}_{}.JPG", i, room), picture(20, 30));
    }
    info += fmt::format("{} 2 {} 85255 {}\n", i % 4 + 1, 1000 + i, 100000 + i);
  }
  write_bytes(folder / "HousesInfo.txt", info);
  read_all(g2d::dataset::read_houses(folder.path(), {.image_size = 16}).splits.test);
}
