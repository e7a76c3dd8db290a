// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <tuple>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/av_mnist.hpp>
#include <g2d/dataset/make_av_mnist.hpp>
#include <g2d/dataset/mnist.hpp>
#include <g2d/io/npy.hpp>
#include "data/digit_files.hpp"
#include "dataset/audio_visual_files.hpp"
#include "support/media_files.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using g2d::ConfigError;
using g2d::DataError;
using g2d::dataset::make_av_mnist;
using g2d::dataset::read_av_mnist;
using g2d_test::read_bytes;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;
using g2d_test::write_av_mnist;
using g2d_test::write_bytes;
using g2d_test::write_npy;
namespace fs = std::filesystem;

}  // namespace

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
