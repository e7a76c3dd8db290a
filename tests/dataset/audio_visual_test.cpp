// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What all audio-visual datasets promise.

#include <torch/torch.h>

#include <cstddef>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/dataset/av_mnist.hpp>
#include <g2d/dataset/cremad.hpp>
#include <g2d/dataset/vggsound.hpp>
#include "dataset/audio_visual_files.hpp"
#include "dataset/same_batches.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using g2d::ConfigError;
using g2d::DataError;
using g2d::dataset::Dataset;
using g2d::dataset::read_av_mnist;
using g2d::dataset::read_cremad;
using g2d::dataset::read_vggsound;
using g2d_test::small_cremad;
using g2d_test::small_vggsound;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_av_mnist;
using g2d_test::write_cremad;
using g2d_test::write_vggsound;
namespace fs = std::filesystem;

struct Loader {
  std::string name;
  std::function<void(const fs::path&)> write;
  std::function<Dataset(const fs::path&)> read;
};

std::vector<Loader> loaders() {
  return {{"CREMA-D", write_cremad, [](const fs::path& folder) { return read_cremad(folder, small_cremad()); }},
          {"VGGSound", write_vggsound, [](const fs::path& folder) { return read_vggsound(folder, small_vggsound()); }},
          {"AV-MNIST", write_av_mnist,
           [](const fs::path& folder) { return read_av_mnist(folder, {.validation_fraction = 0.25}); }}};
}

}  // namespace

TEST_CASE("every audio-visual dataset is read alike again, streams and loads alike, whatever the number of workers",
          "[dataset]") {
  for (const auto& loader : loaders()) {
    INFO(loader.name);
    const TemporaryFolder folder;
    loader.write(folder.path());
    g2d_test::check_loader([&] { return loader.read(folder.path()); });
  }
}

TEST_CASE("validation samples of an audio-visual dataset are held out of the training split, per class", "[dataset]") {
  for (const auto& loader : loaders()) {
    INFO(loader.name);
    const TemporaryFolder folder;
    loader.write(folder.path());
    const auto dataset = loader.read(folder.path());
    CHECK(dataset.name == loader.name);
    CHECK(dataset.warnings.empty());
    CHECK_THAT(dataset.description,
               StartsWith(loader.name) && Contains("validation: 0.25 of the training") && Contains("seed 0"));
    CHECK(dataset.target.kind == g2d::OutputKind::Classes);
    CHECK(dataset.splits.validation.size() * 3 == dataset.splits.train.size());
    const auto counts = torch::bincount(dataset.splits.validation.targets());
    CHECK(
        torch::equal(counts, torch::full_like(counts, dataset.splits.validation.size() / dataset.target.num_outputs)));
  }
}

TEST_CASE("a folder that is no dataset is refused with the layout expected", "[dataset]") {
  const TemporaryFolder folder;
  for (const auto& path : {folder.path(), folder / "absent"}) {
    CHECK_THAT(thrown<DataError>([&] { (void)read_cremad(path); }),
               StartsWith("g2d: dataset::read_cremad: " + path.string() + ": expected AudioWAV/<id>.wav") &&
                   Contains("got no folder AudioWAV"));
    CHECK_THAT(thrown<DataError>([&] { (void)read_vggsound(path); }),
               StartsWith("g2d: dataset::read_vggsound: " + (path / "vggsound.csv").string()) &&
                   Contains("audio/{train,test}/"));
    CHECK_THAT(thrown<DataError>([&] { (void)read_av_mnist(path); }),
               StartsWith("g2d: dataset::read_av_mnist: " + path.string() + ": expected image/{train,test}_data.npy") &&
                   Contains("got no audio/train_data.npy"));
  }
}

TEST_CASE("audio-visual datasets refuse settings out of range before they read", "[dataset]") {
  CHECK_THAT(thrown<ConfigError>([] { (void)read_cremad("/absent", {.num_frames = 0}); }),
             Contains("expected num_frames >= 1, got 0"));
  CHECK_THAT(thrown<ConfigError>([] { (void)read_cremad("/absent", {.audio_seconds = 0}); }),
             Contains("audio_seconds * sample_rate >= 1"));
  CHECK_THAT(thrown<ConfigError>([] { (void)read_vggsound("/absent", {.image_size = 0}); }),
             Contains("expected image_size >= 1, got 0"));
  CHECK_THAT(thrown<ConfigError>([] { (void)read_vggsound("/absent", {.tiled_seconds = 4}); }),
             Contains("expected tiled_seconds >= audio_seconds and num_classes >= 0, got 4, 5 and 309"));
  CHECK_THAT(thrown<ConfigError>([] { (void)read_av_mnist("/absent", {.image_size = 0}); }), Contains("got 0 and 112"));
  const TemporaryFolder folder;
  write_av_mnist(folder.path());
  CHECK_THAT(thrown<ConfigError>([&] { (void)read_av_mnist(folder.path(), {.validation_fraction = 1}); }),
             Contains("training samples: expected a fraction between 0 and 1, got 1"));
}

TEST_CASE("training clips are augmented anew in each epoch, others never", "[dataset]") {
  const TemporaryFolder folder;
  write_vggsound(folder.path());
  auto options = small_vggsound();
  options.augments = true;
  const auto dataset = read_vggsound(folder.path(), options);
  const auto& train = dataset.splits.train;
  CHECK_FALSE(train.is_deterministic());
  CHECK(dataset.splits.validation.is_deterministic());
  CHECK(dataset.splits.test.is_deterministic());
  g2d_test::check_split(train);
  for (const std::size_t modality : {0U, 1U}) {
    CHECK(torch::equal(train.read(0, modality, 1), train.read(0, modality, 1)));
    CHECK_FALSE(torch::equal(train.read(0, modality, 0), train.read(0, modality, 1)));
  }
  CHECK_THAT(thrown<ConfigError>([&] { (void)g2d::data::load_in_memory(train); }), Contains("augment nothing"));
  options.seed = 1;
  CHECK(read_vggsound(folder.path(), options).splits.test.fingerprint() != dataset.splits.test.fingerprint());

  const TemporaryFolder cremad;
  write_cremad(cremad.path());
  auto cremad_options = small_cremad();
  cremad_options.augments = true;
  const auto splits = read_cremad(cremad.path(), cremad_options).splits;
  CHECK(torch::equal(splits.train.read(0, 0, 0), splits.train.read(0, 0, 1)));  // the recording is cut in one place
  CHECK_FALSE(torch::equal(splits.train.read(0, 1, 0), splits.train.read(0, 1, 1)));
}
