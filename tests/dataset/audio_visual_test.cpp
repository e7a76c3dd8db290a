// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/data/streaming.hpp>
#include <g2d/dataset/av_mnist.hpp>
#include <g2d/dataset/cremad.hpp>
#include <g2d/dataset/make_av_mnist.hpp>
#include <g2d/dataset/vggsound.hpp>
#include <g2d/io/image.hpp>
#include <g2d/io/npy.hpp>
#include <g2d/io/write_npy.hpp>
#include "data/digit_files.hpp"
#include "dataset/same_batches.hpp"
#include "support/full_disk.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using g2d::ConfigError;
using g2d::DataError;
using g2d::ShapeError;
using g2d::dataset::AvMnistOptions;
using g2d::dataset::CremadOptions;
using g2d::dataset::Dataset;
using g2d::dataset::make_av_mnist;
using g2d::dataset::MissingFiles;
using g2d::dataset::read_av_mnist;
using g2d::dataset::read_cremad;
using g2d::dataset::read_vggsound;
using g2d::dataset::VggsoundOptions;
using g2d_test::names_of;
using g2d_test::picture;
using g2d_test::read_bytes;
using g2d_test::sine;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_bytes;
using g2d_test::write_jpeg;
using g2d_test::write_npy;
using g2d_test::write_wav;
namespace fs = std::filesystem;

void write_clip(const fs::path& audio, const fs::path& frames, const std::string& stem, int number) {
  fs::create_directories(audio);
  fs::create_directories(frames / stem);
  write_wav(audio / (stem + ".wav"), sine(200 + 40 * number, 5000 + 100 * number));
  for (const int frame : {0, 29, 58, 87}) {
    write_jpeg(frames / stem / fmt::format("{:05}.jpg", frame),
               picture(20 + number % 3, 24).div(1 + frame % 5, "floor"));
  }
}

const std::array<std::string, 6> emotions{"NEU", "HAP", "SAD", "FEA", "DIS", "ANG"};

std::string cremad_id(int number) {
  return fmt::format("{}_IEO_{}_XX", 1001 + number, emotions[static_cast<std::size_t>(number % 6)]);
}

/// 24 clips for training and 6 for testing, in the published layout, with what real trees hold: a byte order mark, a
/// quoted cell, a file name for an id, stereo, another sample rate, grey frames, files of the system's own.
void write_cremad(const fs::path& folder) {
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

CremadOptions small_cremad() {
  CremadOptions options;
  options.image_size = 16;
  options.sample_rate = 4000;
  options.audio_seconds = 0.5;
  options.spectrogram = {.n_fft = 64, .hop = 50};
  options.augments = false;
  options.validation_fraction = 0.25;
  return options;
}

const std::array<std::string, 3> sounds{"people eating, noodles", "dog growling", "car \"engine\" idling"};

std::string vggsound_id(int number) { return fmt::format("-_video{:04}", number); }
std::string vggsound_stem(int number) { return fmt::format("{}_{:06}", vggsound_id(number), 10 * number); }

std::string vggsound_row(int number) {
  auto label = sounds[static_cast<std::size_t>(number % 3)];
  for (auto quote = label.find('"'); quote != std::string::npos; quote = label.find('"', quote + 2))
    label.insert(quote, 1, '"');
  return fmt::format("{},{},\"{}\",{}\n", vggsound_id(number), 10 * number, label, number < 12 ? "train" : "test");
}

fs::path vggsound_frames(const fs::path& folder, int number) {
  return folder / "video" / "frames" / (number < 12 ? "train" : "test") / "Image-01-FPS";
}

/// 12 clips for training and 6 for testing.
void write_vggsound(const fs::path& folder) {
  std::string list;
  for (int number = 0; number < 18; ++number) {
    write_clip(folder / "audio" / (number < 12 ? "train" : "test"), vggsound_frames(folder, number),
               vggsound_stem(number), number);
    list += vggsound_row(number);
  }
  write_bytes(folder / "vggsound.csv", list);
}

VggsoundOptions small_vggsound() {
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
void write_av_mnist(const fs::path& folder) {
  fs::create_directories(folder / "image");
  fs::create_directories(folder / "audio");
  torch::manual_seed(1);
  for (const auto& [part, count] : {std::pair<std::string, std::int64_t>{"train", 40}, {"test", 20}}) {
    write_npy(folder / "image" / (part + "_data.npy"), torch::randint(256, {count, 784}, at::kDouble));
    write_npy(folder / "audio" / (part + "_data.npy"), torch::randint(256, {count, 112, 112}, at::kByte));
    write_npy(folder / (part + "_labels.npy"), torch::arange(count, at::kLong).remainder(10).to(at::kByte));
  }
}

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

TEST_CASE("AV-MNIST takes the shapes and dtypes in which its files go round", "[dataset]") {
  const TemporaryFolder folder;
  write_av_mnist(folder.path());
  const auto image = g2d::io::read_npy(folder / "image/test_data.npy");
  const auto audio = g2d::io::read_npy(folder / "audio/test_data.npy");
  const auto check = [&] {
    const auto test = read_av_mnist(folder.path()).splits.test;
    CHECK(test.names() == g2d::ModalityNames({"audio", "image"}));
    CHECK(test.sample_name(3) == "test/3");
    CHECK(torch::equal(test.read(3, 0, 0), (audio[3].to(at::kFloat) / 255).view({1, 112, 112})));
    CHECK(torch::equal(test.read(3, 1, 0), (image[3].to(at::kFloat) / 255).view({1, 28, 28})));
    CHECK(torch::equal(test.targets(), torch::arange(20).remainder(10)));
  };
  check();
  write_npy(folder / "image/test_data.npy", image.view({-1, 28, 28}).to(at::kFloat));
  write_npy(folder / "audio/test_data.npy", audio.view({-1, 1, 112, 112}).to(at::kInt));
  check();
  write_npy(folder / "image/test_data.npy", image.view({-1, 1, 28, 28}).to(at::kByte));
  write_npy(folder / "audio/test_data.npy", audio.view({-1, 112 * 112}));
  write_npy(folder / "test_labels.npy", torch::arange(20).remainder(10).view({20, 1}));
  check();
}

TEST_CASE("AV-MNIST names the file that does not fit", "[dataset]") {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& name, const at::Tensor& values) {
    write_av_mnist(folder.path());
    write_npy(folder / name, values);
    return thrown<DataError>([&] { (void)read_av_mnist(folder.path()); });
  };
  CHECK_THAT(message("image/train_data.npy", torch::zeros({40, 32, 32})),
             Contains((folder / "image/train_data.npy").string() +
                      ": expected an array [N, 28, 28], [N, 784] or [N, 1, 28, 28], got [40, 32, 32]"));
  CHECK_THAT(message("audio/test_data.npy", torch::zeros({112 * 112})),
             Contains("audio/test_data.npy") && Contains("got [12544]"));
  CHECK_THAT(message("audio/train_data.npy", torch::zeros({39, 112, 112})), Contains("got 39, 40 and 40"));
  CHECK_THAT(message("train_labels.npy", torch::full({40}, 10, at::kLong)),
             Contains("train_labels.npy: row 0: expected a label from 0 to 9, got 10"));
  CHECK_THAT(message("train_labels.npy", torch::zeros({40})),
             Contains("train_labels.npy: expected whole numbers [N], got Float [40]"));
  CHECK_THAT(message("train_labels.npy", torch::zeros({40, 10}, at::kLong)), Contains("got Long [40, 10]"));

  write_av_mnist(folder.path());
  const auto file = folder / "audio/test_data.npy";
  write_bytes(file, read_bytes(file).substr(0, 5000));
  CHECK_THAT(thrown<DataError>([&] { (void)read_av_mnist(folder.path()); }), Contains(file.string()));

  write_av_mnist(folder.path());
  auto values = g2d::io::read_npy(folder / "image/test_data.npy");
  values[7][0] = std::numeric_limits<double>::quiet_NaN();
  write_npy(folder / "image/test_data.npy", values);
  const auto test = read_av_mnist(folder.path()).splits.test;
  CHECK_THAT(thrown<DataError>([&] { (void)test.read(7, 1, 0); }),
             StartsWith("g2d: sample \"test/7\", modality \"image\"") && Contains("NaN"));
}

namespace {

/// MNIST's files with smooth random pictures, and two speakers.
void write_digits(const fs::path& folder) {
  torch::manual_seed(2);
  const auto write = [&](const std::string& part, std::uint32_t count) {
    const auto coarse = torch::rand({count, 1, 7, 7});
    const auto pixels = (torch::upsample_bilinear2d(coarse, {28, 28}, false) * 255).to(at::kByte).contiguous();
    std::string labels;
    for (std::uint32_t n = 0; n < count; ++n) labels += static_cast<char>(n % 10);
    write_bytes(folder / (part + "-images-idx3-ubyte"),
                g2d_test::idx_bytes({count, 28, 28},
                                    std::string(static_cast<const char*>(pixels.const_data_ptr()), pixels.nbytes())));
    write_bytes(folder / (part + "-labels-idx1-ubyte"), g2d_test::idx_bytes({count}, labels));
  };
  write("train", 60);
  write("t10k", 20);
  g2d_test::write_recordings(folder / "recordings", {"jackson", "yweweler"}, 2);
}

const std::vector<std::string> av_mnist_files{"image/train_data.npy", "image/test_data.npy", "audio/train_data.npy",
                                              "audio/test_data.npy",  "train_labels.npy",    "test_labels.npy"};

}  // namespace

TEST_CASE("make_av_mnist writes files that read_av_mnist reads, the same bytes for the same seed", "[dataset]") {
  const TemporaryFolder digits;
  write_digits(digits.path());
  const TemporaryFolder made;
  const auto report = make_av_mnist(digits.path(), made / "first/av-mnist");
  CHECK(report.num_train == 60);
  CHECK(report.num_test == 20);
  (void)make_av_mnist(digits.path(), made / "again");
  (void)make_av_mnist(digits.path(), made / "other", {.seed = 1});
  for (const auto& file : av_mnist_files) {
    INFO(file);
    CHECK(read_bytes(made / ("first/av-mnist/" + file)) == read_bytes(made / ("again/" + file)));
    CHECK(read_bytes(made / ("first/av-mnist/" + file)) != read_bytes(made / ("other/" + file)));
  }
  const auto dataset = read_av_mnist(made / "again");
  CHECK(dataset.splits.train.size() + dataset.splits.validation.size() == 60);
  const auto audio = dataset.splits.test.read(0, 0, 0);
  CHECK(audio.max().item<float>() == 1);
  CHECK(audio.min().item<float>() >= 0);
  CHECK(torch::equal(torch::bincount(dataset.splits.test.targets()), torch::full({10}, 2, at::kLong)));
}

TEST_CASE("make_av_mnist removes three quarters of the training images' energy, to within one component", "[dataset]") {
  const TemporaryFolder digits;
  write_digits(digits.path());
  const auto images = g2d::dataset::read_mnist(digits.path()).train.images.flatten(1);
  const auto variances = std::get<1>(at::linalg_svd(images.to(at::kDouble) - images.to(at::kDouble).mean(0))).square();
  const auto removed = [&](std::int64_t kept) {
    return (1 - variances.slice(0, 0, kept).sum() / variances.sum()).item<double>();
  };

  const TemporaryFolder made;
  const auto report = make_av_mnist(digits.path(), made.path());
  CHECK(report.num_components > 1);
  CHECK(report.removed_energy == Approx(removed(report.num_components)));
  CHECK(report.removed_energy <= 0.75);
  CHECK(removed(report.num_components - 1) > 0.75);

  const auto written = g2d::io::read_npy(made / "image/train_data.npy").flatten(1).to(at::kDouble) / 255;
  const auto left =
      written.var(0, false).sum() / images.var(0, false).sum().to(at::kDouble);  // rounding to eight bits adds a little
  CHECK(left.item<double>() == Approx(1 - report.removed_energy).margin(0.01));
  CHECK(make_av_mnist(digits.path(), made.path(), {.removed_energy = 0.5}).num_components > report.num_components);
}

TEST_CASE("make_av_mnist pairs by class and keeps the test speakers out of training", "[dataset]") {
  const TemporaryFolder digits;
  write_digits(digits.path());
  const TemporaryFolder made;
  (void)make_av_mnist(digits.path(), made.path(), {.signal_to_noise = 200});
  // Every recording is a tone of its own: the loudest band tells which one it is.
  const auto tones = [&](const std::string& part) {
    const auto audio = g2d::io::read_npy(made / ("audio/" + part + "_data.npy")).to(at::kFloat);
    return audio.narrow(2, 52, 8).mean(2).argmax(1);
  };
  const auto labels = g2d::io::read_npy(made / "train_labels.npy");
  const auto train = tones("train");
  // Tones of digit d: 200 + 10 (4 d + 1 ... 4 d + 4) Hz; a band has 8000 / 222 Hz.
  for (std::int64_t n = 0; n < 60; ++n) {
    const auto frequency =
        215.0 + 40.0 * static_cast<double>(labels[n].item<std::int64_t>());  // jackson's are the first two
    CHECK(std::abs(train[n].item<double>() - frequency * 222 / 8000) <= 1);
  }
  CHECK_FALSE(torch::equal(train.narrow(0, 0, 20), tones("test")));
}

TEST_CASE("make_av_mnist refuses speakers that are not there and names what it cannot read or write", "[dataset]") {
  const TemporaryFolder digits;
  write_digits(digits.path());
  const TemporaryFolder made;
  for (const std::vector<std::string>& speakers : {std::vector<std::string>{"theo"}, {}, {"jackson", "yweweler"}}) {
    CHECK_THAT(thrown<ConfigError>([&] { make_av_mnist(digits.path(), made.path(), {.test_speakers = speakers}); }),
               Contains("among the speakers [jackson, yweweler]"));
  }
  CHECK_THAT(thrown<ConfigError>([&] { make_av_mnist(digits.path(), made.path(), {.removed_energy = 1}); }),
             Contains("expected removed_energy in [0, 1)"));
  write_bytes(made / "file", "");
  CHECK_THAT(thrown<DataError>([&] { make_av_mnist(digits.path(), made / "file"); }),
             Contains((made / "file").string()));
  fs::remove(digits / "t10k-images-idx3-ubyte");
  CHECK_THAT(thrown<DataError>([&] { make_av_mnist(digits.path(), made.path()); }), Contains("t10k-images-idx3-ubyte"));
}

TEST_CASE("write_npy writes what read_npy reads", "[dataset]") {
  const TemporaryFolder folder;
  const auto file = folder / "values.npy";
  const auto check = [&](const at::Tensor& values) {
    g2d::io::write_npy(file, values);
    const auto read = g2d::io::read_npy(file);
    CHECK(read.scalar_type() == values.scalar_type());
    CHECK(torch::equal(read, values));
  };
  for (const auto dtype : {at::kByte, at::kChar, at::kShort, at::kInt, at::kLong, at::kFloat, at::kDouble, at::kBool}) {
    check(torch::arange(6).view({2, 3}).to(dtype));
  }
  check(torch::randn({3, 4}).t());
  check(torch::zeros({0, 5}));
  check(torch::arange(7));
  g2d::io::write_npy(file, torch::arange(3));
  CHECK(read_bytes(file) == g2d_test::npy_bytes(torch::arange(3)));
  CHECK_THAT(thrown<ShapeError>([&] { g2d::io::write_npy(file, torch::tensor(1.0)); }), Contains("a single number"));
  CHECK_THAT(thrown<ShapeError>([&] { g2d::io::write_npy(file, torch::zeros({2}).to(at::kBFloat16)); }),
             Contains("dtype that NumPy has"));
}

TEST_CASE("an .npy file written in parts appears when it is whole", "[dataset]") {
  const TemporaryFolder folder;
  const auto file = folder / "values.npy";
  const auto values = torch::arange(12).view({4, 3});
  {
    g2d::io::NpyWriter writer(file, at::kLong, {4, 3});
    writer.append(values.narrow(0, 0, 3));
    CHECK_THAT(thrown<ShapeError>([&] { writer.append(values); }),
               Contains("expected parts of Long [4, 3], got Long [4, 3] after 3 rows"));
    CHECK_THAT(thrown<ShapeError>([&] { writer.append(torch::zeros({1, 3})); }), Contains("got Float [1, 3]"));
    CHECK_THAT(thrown<ShapeError>([&] { writer.commit(); }), Contains("expected 4 rows as announced, got 3"));
    CHECK_FALSE(fs::exists(file));
    writer.append(values.narrow(0, 3, 1));
    writer.commit();
  }
  CHECK(torch::equal(g2d::io::read_npy(file), values));
  CHECK(std::distance(fs::directory_iterator(folder.path()), fs::directory_iterator()) == 1);
  CHECK_THAT(thrown<DataError>([&] { g2d::io::write_npy(folder / "absent/values.npy", values); }),
             Contains("cannot be written"));
  {
    const g2d_test::FullDisk full(1000);
    CHECK_THAT(thrown<DataError>([&] { g2d::io::write_npy(file, torch::zeros({1000})); }),
               Contains(file.string() + ": cannot be written"));
  }
  CHECK(torch::equal(g2d::io::read_npy(file), values));
}
