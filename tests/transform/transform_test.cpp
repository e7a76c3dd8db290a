// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/transform/any.hpp>
#include <g2d/transform/center_crop.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/clip.hpp>
#include <g2d/transform/crop.hpp>
#include <g2d/transform/horizontal_flip.hpp>
#include <g2d/transform/mel_spectrogram.hpp>
#include <g2d/transform/normalize.hpp>
#include <g2d/transform/one_hot.hpp>
#include <g2d/transform/random_crop.hpp>
#include <g2d/transform/random_resized_crop.hpp>
#include <g2d/transform/replace_non_finite.hpp>
#include <g2d/transform/resize.hpp>
#include <g2d/transform/resize_shorter_side.hpp>
#include <g2d/transform/spectrogram.hpp>
#include <g2d/transform/standardize.hpp>
#include <g2d/transform/table_scaler.hpp>
#include <g2d/transform/tile.hpp>
#include <g2d/transform/to_float.hpp>
#include <g2d/transform/truncate.hpp>

#include "support/catch.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"

namespace {

namespace transform = g2d::transform;
using g2d_test::thrown;
using nlohmann::json;
using transform::Padding;
using transform::Place;

constexpr auto missing = std::numeric_limits<double>::quiet_NaN();
constexpr auto infinity = std::numeric_limits<double>::infinity();

g2d::SampleRandom random_of(std::int64_t sample_id, std::int64_t epoch = 0) {
  return g2d::SampleRandom({.seed = 7, .epoch = epoch, .sample_id = sample_id, .modality = 1});
}

at::Tensor apply(const transform::Any& applied, const at::Tensor& sample, std::int64_t sample_id = 0) {
  auto random = random_of(sample_id);
  return applied(sample, random);
}

/// Values that all differ, so that a part tells its place.
at::Tensor counted(at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat) {
  return at::arange(c10::multiply_integers(sizes), dtype).reshape(sizes);
}

at::Tensor table() {
  return at::tensor({1.0, missing, 5.0, 2.0, 10.0, 5.0, 9.0, 20.0, 5.0, 4.0, 30.0, 5.0}, at::kDouble).view({4, 3});
}

json golden(const std::string& name) {
  std::ifstream file(g2d_test::test_directory() / "transform" / "golden" / name);
  return json::parse(file);
}

at::Tensor tensor_of(const json& values) { return at::tensor(values.get<std::vector<double>>(), at::kDouble); }

at::Tensor rows_of(const json& rows) {
  std::vector<at::Tensor> tensors;
  for (const auto& row : rows) tensors.push_back(tensor_of(row));
  return at::stack(tensors);
}

/// [frames, bins] of the frames that a golden file holds.
at::Tensor chosen_frames(const at::Tensor& spectrogram, const json& frames) {
  return spectrogram[0].t().index_select(0, at::tensor(frames.get<std::vector<std::int64_t>>())).to(at::kDouble);
}

double largest_difference(const at::Tensor& first, const at::Tensor& second) {
  return (first.to(at::kDouble) - second.to(at::kDouble)).abs().max().item<double>();
}

struct Case {
  std::string name;                      ///< As its errors name it.
  std::vector<transform::Any> variants;  ///< The first, then ones with another setting each.
  at::Tensor sample;
  at::Tensor refused;
};

/// Every shipped transform; a case below compares the list with the folder.
const std::vector<Case>& transforms() {
  const auto wave = at::sin(counted({4000}) * 0.1);
  const auto image = counted({3, 20, 30}, at::kByte);
  static const std::vector<Case> all{
      {"CenterCrop",
       {transform::CenterCrop{8, 9}, transform::CenterCrop{9, 9}, transform::CenterCrop{8, 10}},
       image,
       image[0]},
      {"Clip", {transform::Clip{}, transform::Clip{-0.5, 1}, transform::Clip{-1, 0.5}}, wave * 3, image},
      {"Crop",
       {transform::Crop{100, Place::Random}, transform::Crop{101, Place::Random}, transform::Crop{100, Place::Center},
        transform::Crop{100, Place::Start}},
       wave,
       wave.unsqueeze(0)},
      {"HorizontalFlip", {transform::HorizontalFlip{}, transform::HorizontalFlip{0.25}}, image, image[0]},
      {"MelSpectrogram",
       {transform::MelSpectrogram{}, transform::MelSpectrogram{{.sample_rate = 22050}},
        transform::MelSpectrogram{{.n_fft = 1024}}, transform::MelSpectrogram{{.hop = 128}},
        transform::MelSpectrogram{{.bands = 32}}, transform::MelSpectrogram{{.f_min = 20}},
        transform::MelSpectrogram{{.f_max = 7000}}, transform::MelSpectrogram{{.padding = Padding::Reflect}},
        transform::MelSpectrogram{{.log_offset = 1e-6}}, transform::MelSpectrogram{{.log_offset = std::nullopt}}},
       wave,
       wave.unsqueeze(0)},
      {"Normalize",
       {transform::Normalize{transform::imagenet_mean, transform::imagenet_std},
        transform::Normalize{{0.5, 0.5, 0.5}, transform::imagenet_std},
        transform::Normalize{transform::imagenet_mean, {0.5, 0.5, 0.5}}},
       image.to(at::kFloat) / 255,
       image[0]},
      {"RandomCrop",
       {transform::RandomCrop{8, 9}, transform::RandomCrop{9, 9}, transform::RandomCrop{8, 10}},
       image,
       image[0]},
      {"RandomResizedCrop",
       {transform::RandomResizedCrop{8, 9}, transform::RandomResizedCrop{9, 9}, transform::RandomResizedCrop{8, 10},
        transform::RandomResizedCrop{.height = 8, .width = 9, .smallest_scale = 0.1},
        transform::RandomResizedCrop{.height = 8, .width = 9, .largest_scale = 0.9},
        transform::RandomResizedCrop{.height = 8, .width = 9, .smallest_ratio = 0.8},
        transform::RandomResizedCrop{.height = 8, .width = 9, .largest_ratio = 1.2}},
       image,
       image[0]},
      {"ReplaceNonFinite", {transform::ReplaceNonFinite{}}, at::tensor({1.0, missing, infinity, -infinity}), image},
      {"Resize", {transform::Resize{8, 9}, transform::Resize{9, 9}, transform::Resize{8, 10}}, image, image[0]},
      {"ResizeShorterSide", {transform::ResizeShorterSide{8}, transform::ResizeShorterSide{9}}, image, image[0]},
      {"Spectrogram",
       {transform::Spectrogram{}, transform::Spectrogram{{.n_fft = 256}}, transform::Spectrogram{{.hop = 128}},
        transform::Spectrogram{{.padding = Padding::Reflect}}, transform::Spectrogram{{.log_offset = 1e-6}},
        transform::Spectrogram{{.log_offset = std::nullopt}}},
       wave,
       wave.unsqueeze(0)},
      {"Standardize",
       {transform::Standardize(at::zeros({5}), at::ones({5})), transform::Standardize(at::ones({5}), at::ones({5})),
        transform::Standardize(at::zeros({5}), at::full({5}, 2.0)),
        transform::Standardize(at::zeros({50}), at::ones({50})),
        transform::Standardize(at::ones({50}), at::ones({50}))},
       counted({4, 5}),
       counted({4, 6})},
      {"TableScaler",
       {transform::TableScaler::fit(table()), transform::TableScaler::fit(table(), {.marks_missing = true}),
        transform::TableScaler::fit(table() * 2)},
       table(),
       counted({4, 2})},
      {"Tile", {transform::Tile{10000}, transform::Tile{10001}}, wave, wave.unsqueeze(0)},
      {"ToFloat", {transform::ToFloat{}, transform::ToFloat{1}}, image, at::zeros({2}, at::kComplexFloat)},
      {"Truncate",
       {transform::Truncate{3}, transform::Truncate{4}, transform::Truncate{3, false}},
       counted({10, 2}),
       wave},
  };
  return all;
}

}  // namespace

TEST_CASE("transform: the list of these tests holds every file of the folder", "[transform]") {
  std::set<std::string> listed;
  for (const auto& tested : transforms()) {
    std::string file;
    for (const char letter : tested.name) {
      if (std::isupper(letter) != 0 && !file.empty()) file += '_';
      file += static_cast<char>(std::tolower(letter));
    }
    listed.insert(file);
  }
  std::set<std::string> in_folder;
  for (const auto& entry :
       std::filesystem::directory_iterator(g2d_test::test_directory() / "../include/g2d/transform")) {
    if (entry.path().extension() == ".hpp") in_folder.insert(entry.path().stem().string());
  }
  for (const auto* other : {"any", "chain", "concept", "one_hot", "padding", "place", "resample"})
    in_folder.erase(other);
  CHECK(listed == in_folder);
}

TEST_CASE("transform: every setting is in the description", "[transform]") {
  for (const auto& tested : transforms()) {
    CAPTURE(tested.name);
    std::set<std::string> descriptions;
    for (const auto& variant : tested.variants) descriptions.insert(variant.description());
    CHECK(descriptions.size() == tested.variants.size());
    CHECK(!descriptions.contains(""));
  }
}

TEST_CASE("transform: the result is a function of sample and key, and the sample is left alone", "[transform]") {
  for (const auto& tested : transforms()) {
    const auto before = tested.sample.clone();
    for (const auto& variant : tested.variants) {
      CAPTURE(variant.description());
      if (variant.description().find("[50]") != std::string::npos) continue;  // statistics of other samples
      bool differs = false;
      const auto first = apply(variant, tested.sample);
      for (std::int64_t id = 0; id < 20; ++id) {
        const auto result = apply(variant, tested.sample, id);
        CHECK(at::allclose(apply(variant, tested.sample, id), result, 0, 0, /*equal_nan=*/true));
        differs = differs || !result.sizes().equals(first.sizes()) || !at::allclose(result, first, 0, 0, true);
      }
      CHECK(differs == variant.is_random());
    }
    CHECK(at::allclose(tested.sample, before, 0, 0, /*equal_nan=*/true));
  }
}

TEST_CASE("transform: a sample of another kind is refused by name", "[transform]") {
  for (const auto& tested : transforms()) {
    CAPTURE(tested.name);
    for (const auto& sample : {tested.refused, at::Tensor()}) {
      const auto text = thrown<g2d::ShapeError>([&] { apply(tested.variants.front(), sample); });
      CHECK_THAT(text, Catch::Matchers::StartsWith("g2d: transform::" + tested.name + ": expected "));
    }
  }
}

TEST_CASE("transform: a setting out of range is refused by name", "[transform]") {
  const auto wave = at::zeros({1000});
  const auto image = at::zeros({3, 20, 30});
  const std::vector<std::pair<std::string, std::function<void()>>> refused{
      {"CenterCrop", [&] { apply(transform::CenterCrop{}, image); }},
      {"Clip", [&] { apply(transform::Clip{1, 1}, wave); }},
      {"Crop", [&] { apply(transform::Crop{}, wave); }},
      {"HorizontalFlip", [&] { apply(transform::HorizontalFlip{1.5}, image); }},
      {"HorizontalFlip", [&] { apply(transform::HorizontalFlip{missing}, image); }},
      {"MelSpectrogram", [] { transform::MelSpectrogram({.n_fft = 1}); }},
      {"MelSpectrogram", [] { transform::MelSpectrogram({.bands = 0}); }},
      {"MelSpectrogram", [] { transform::MelSpectrogram({.f_min = -1}); }},
      {"MelSpectrogram", [] { transform::MelSpectrogram({.f_max = 8001}); }},
      {"MelSpectrogram", [] { transform::MelSpectrogram({.log_offset = 0}); }},
      {"Normalize", [] { transform::Normalize({0.5}, {0.5, 0.5}); }},
      {"Normalize", [] { transform::Normalize({0.5}, {0.0}); }},
      {"OneHot", [] { transform::OneHot(std::vector<std::string>{}); }},
      {"OneHot", [] { transform::OneHot({"a", "a"}); }},
      {"OneHot", [] { transform::OneHot({"a", ""}); }},
      {"RandomCrop", [&] { apply(transform::RandomCrop{8, 0}, image); }},
      {"RandomResizedCrop", [&] { apply(transform::RandomResizedCrop{}, image); }},
      {"RandomResizedCrop",
       [&] { apply(transform::RandomResizedCrop{.height = 8, .width = 8, .smallest_scale = 0}, image); }},
      {"RandomResizedCrop",
       [&] { apply(transform::RandomResizedCrop{.height = 8, .width = 8, .largest_scale = 1.1}, image); }},
      {"RandomResizedCrop",
       [&] { apply(transform::RandomResizedCrop{.height = 8, .width = 8, .smallest_ratio = 2}, image); }},
      {"Resize", [&] { apply(transform::Resize{8, 1}, image); }},
      {"ResizeShorterSide", [&] { apply(transform::ResizeShorterSide{}, image); }},
      {"Spectrogram", [] { transform::Spectrogram({.n_fft = 0}); }},
      {"Spectrogram", [] { transform::Spectrogram({.hop = 0}); }},
      {"Spectrogram", [] { transform::Spectrogram({.log_offset = -1}); }},
      {"Standardize", [] { transform::Standardize(at::zeros({2}), at::ones({3})); }},
      {"Standardize", [] { transform::Standardize(at::zeros({2}), at::zeros({2})); }},
      {"Tile", [&] { apply(transform::Tile{}, wave); }},
      {"ToFloat", [&] { apply(transform::ToFloat{0}, wave); }},
      {"Truncate", [&] { apply(transform::Truncate{}, image[0]); }},
  };
  for (const auto& [name, construct_or_apply] : refused) {
    CAPTURE(name);
    CHECK_THAT(thrown<g2d::ConfigError>(construct_or_apply),
               Catch::Matchers::StartsWith("g2d: transform::" + name + ": expected "));
  }
}

TEST_CASE("transform::Tile: whole repeats up to the length, which Crop then cuts", "[transform]") {
  const auto wave = counted({5});
  CHECK(at::equal(apply(transform::Tile{11}, wave), at::cat({wave, wave, wave})));
  CHECK(at::equal(apply(transform::Tile{10}, wave), at::cat({wave, wave})));
  CHECK(at::equal(apply(transform::Tile{3}, wave), wave));
  CHECK_THROWS_AS(apply(transform::Tile{3}, at::zeros({0})), g2d::ShapeError);
}

TEST_CASE("transform::Crop: start, center, or any place that fits", "[transform]") {
  const auto wave = counted({11});
  CHECK(at::equal(apply(transform::Crop{4, Place::Start}, wave), counted({4})));
  CHECK(at::equal(apply(transform::Crop{4, Place::Center}, wave), counted({4}) + 3));
  CHECK(at::equal(apply(transform::Crop{11, Place::Random}, wave), wave));

  std::set<double> starts;
  for (std::int64_t id = 0; id < 300; ++id) {
    const auto part = apply(transform::Crop{4, Place::Random}, wave, id);
    REQUIRE(at::equal(part - part[0], counted({4})));
    starts.insert(part[0].item<double>());
  }
  CHECK(starts == std::set<double>{0, 1, 2, 3, 4, 5, 6, 7});

  CHECK(thrown<g2d::ShapeError>([&] { apply(transform::Crop{12}, wave); }) ==
        "g2d: transform::Crop: expected at least 12 samples, got 11; tile or pad first");
}

TEST_CASE("transform::Clip limits values and keeps NaN", "[transform]") {
  const auto clipped = apply(transform::Clip{}, at::tensor({-3.0, 0.25, 3.0, missing}));
  CHECK(at::equal(clipped.narrow(0, 0, 3), at::tensor({-1.0, 0.25, 1.0})));
  CHECK(std::isnan(clipped[3].item<double>()));
}

TEST_CASE("transform::Spectrogram equals librosa's", "[transform][golden]") {
  const auto file = golden("stft.json");
  REQUIRE(file["cases"].size() == 4);
  const auto wave = tensor_of(file["samples"]) / 32768;
  for (const auto& expected : file["cases"]) {
    transform::SpectrogramOptions options{.n_fft = expected["n_fft"],
                                          .hop = expected["hop"],
                                          .padding = expected["padding"] == "zeros" ? Padding::Zeros : Padding::Reflect,
                                          .log_offset = expected["log_offset"].get<double>()};
    const transform::Spectrogram logarithm(options);
    CAPTURE(logarithm.description());
    options.log_offset.reset();
    const transform::Spectrogram magnitude(options);

    const auto expected_magnitude = rows_of(expected["magnitude"]);
    const auto expected_log = rows_of(expected["log"]);
    const auto largest = expected["largest"].get<double>();
    for (const auto dtype : {at::kFloat, at::kDouble}) {
      const auto sample = wave.to(dtype);
      const auto log_cells = logarithm(sample);
      CHECK(log_cells.scalar_type() == dtype);
      CHECK(log_cells.sizes() ==
            at::IntArrayRef{1, expected["shape"][0].get<std::int64_t>(), expected["shape"][1].get<std::int64_t>()});

      const auto magnitude_cells = magnitude(sample);
      CHECK(magnitude_cells.max().item<double>() == Approx(largest).epsilon(1e-6));
      const auto relative =
          largest_difference(chosen_frames(magnitude_cells, expected["frames"]), expected_magnitude) / largest;
      CHECK(relative < (dtype == at::kFloat ? 1e-6 : 1e-14));
      CHECK(largest_difference(chosen_frames(log_cells, expected["frames"]), expected_log) <
            (dtype == at::kFloat ? 1e-6 : 1e-11));
    }
  }
}

TEST_CASE("transform::Spectrogram: shapes of the paper's recipes, and recordings too short to reflect", "[transform]") {
  CHECK(transform::Spectrogram{}(at::zeros({66150})).sizes() == at::IntArrayRef{1, 257, 188});
  CHECK(transform::Spectrogram({.n_fft = 256, .hop = 128})(at::zeros({80000})).sizes() == at::IntArrayRef{1, 129, 626});
  CHECK(transform::Spectrogram{}(at::zeros({1})).sizes() == at::IntArrayRef{1, 257, 1});
  CHECK(transform::Spectrogram{}(at::zeros({1000})).max().item<double>() == Approx(std::log(1e-7)));

  const transform::Spectrogram reflecting({.padding = Padding::Reflect});
  CHECK(reflecting(at::zeros({257})).size(2) == 1);
  CHECK(
      thrown<g2d::ShapeError>([&] { return reflecting(at::zeros({256})); }) ==
      "g2d: transform::Spectrogram: expected more than n_fft / 2 = 256 samples to reflect, got 256; tile or pad first");
  CHECK_THAT(thrown<g2d::ShapeError>([] { return transform::Spectrogram{}(at::zeros({1000}, at::kShort)); }),
             Catch::Matchers::EndsWith("expected floating point values, got Short; convert with ToFloat first"));
}

TEST_CASE("transform::MelSpectrogram equals librosa's", "[transform][golden]") {
  const auto wave = tensor_of(golden("stft.json")["samples"]) / 32768;
  const auto file = golden("mel.json");
  REQUIRE(file["cases"].size() == 2);
  for (const auto& expected : file["cases"]) {
    transform::MelSpectrogramOptions options{.sample_rate = expected["sample_rate"],
                                             .n_fft = expected["n_fft"],
                                             .hop = expected["hop"],
                                             .bands = expected["bands"],
                                             .f_min = expected["f_min"],
                                             .f_max = expected["f_max"].get<double>(),
                                             .log_offset = std::nullopt};
    const transform::MelSpectrogram power(options);
    options.log_offset = 1e-3;
    const transform::MelSpectrogram logarithm(options);
    CAPTURE(power.description());

    CHECK(largest_difference(power.filters().sum(1), tensor_of(expected["filter_sums"])) < 1e-14);
    const auto expected_power = rows_of(expected["power"]);
    const auto cells = power(wave);
    CHECK(cells.sizes() ==
          at::IntArrayRef{1, expected["shape"][0].get<std::int64_t>(), expected["shape"][1].get<std::int64_t>()});
    CHECK(at::allclose(chosen_frames(cells, expected["frames"]), expected_power, 1e-11, 0));
    CHECK(at::allclose(chosen_frames(power(wave.to(at::kFloat)), expected["frames"]), expected_power, 1e-5, 0));
    CHECK(at::allclose(logarithm(wave), (cells + 1e-3).log(), 1e-12, 0));
  }
}

TEST_CASE("transform::MelSpectrogram: a band without a frequency is refused", "[transform]") {
  CHECK(
      thrown<g2d::ConfigError>([] { transform::MelSpectrogram({.sample_rate = 16000, .n_fft = 256, .bands = 128}); }) ==
      "g2d: transform::MelSpectrogram: expected a frequency of the transform in every band, got none in band 0 of 128 "
      "(0.0 to 46.8 Hz, "
      "spacing 62.5 Hz); take fewer bands or a larger n_fft");
}

TEST_CASE("transform::ToFloat: eight bits become 0 to 1, and stored doubles float32", "[transform]") {
  const auto converted = apply(transform::ToFloat{}, at::tensor({0, 51, 255}, at::kByte));
  CHECK(converted.scalar_type() == at::kFloat);
  CHECK(at::allclose(converted, at::tensor({0.0F, 0.2F, 1.0F})));
  CHECK(apply(transform::ToFloat{1}, at::tensor({3.0}, at::kDouble)).scalar_type() == at::kFloat);
}

TEST_CASE("transform::Resize equals Pillow's antialiased bilinear", "[transform][golden]") {
  const auto file = golden("resize.json");
  REQUIRE(file["cases"].size() == 12);
  double worst_of_bytes = 0;
  double worst_of_floats = 0;
  for (const auto& expected : file["cases"]) {
    const auto& given = file["images"][expected["image"].get<std::string>()];
    const auto image = tensor_of(given["pixels"]).view(given["shape"].get<std::vector<std::int64_t>>()).to(at::kByte);
    const transform::Resize resize{expected["height"], expected["width"]};
    CAPTURE(resize.description());
    const auto pixels = tensor_of(expected["pixels"]).view({image.size(0), resize.height, resize.width});

    const auto bytes = resize(image);
    CHECK(bytes.scalar_type() == at::kByte);
    worst_of_bytes = std::max(worst_of_bytes, largest_difference(bytes, pixels));
    worst_of_floats = std::max(worst_of_floats, largest_difference(resize(image.to(at::kFloat)), pixels));
    const auto interleaved = image.permute({1, 2, 0}).contiguous().permute({2, 0, 1});
    CHECK(at::equal(resize(interleaved), bytes));
    const auto part_of_larger =
        at::constant_pad_nd(image, {3, 2, 4, 1}, 99).narrow(2, 3, image.size(2)).narrow(1, 4, image.size(1));
    CHECK(at::equal(resize(part_of_larger), bytes));
  }
  CHECK(worst_of_bytes <= 1);
  CHECK(worst_of_floats < 1.01);  // Pillow rounds twice, by half a level each
}

TEST_CASE("transform::Resize: a constant image stays constant, and one of the right size stays itself", "[transform]") {
  for (const auto dtype : {at::kByte, at::kFloat}) {
    const auto constant = at::full({3, 11, 17}, 200, dtype);
    for (const auto& [height, width] : {std::pair{5, 4}, {40, 8}, {11, 17}}) {
      const auto resized = transform::Resize{height, width}(constant);
      CHECK(resized.sizes() == at::IntArrayRef{3, height, width});
      CHECK(at::allclose(resized.to(at::kFloat), at::full({3, height, width}, 200.0F)));
    }
    const auto image = counted({3, 7, 9}, dtype);
    CHECK(at::equal(transform::Resize{7, 9}(image), image));
  }
}

TEST_CASE("transform::ResizeShorterSide keeps the aspect ratio", "[transform]") {
  const transform::ResizeShorterSide resize{10};
  CHECK(resize(at::zeros({1, 20, 31})).sizes() == at::IntArrayRef{1, 10, 15});
  CHECK(resize(at::zeros({1, 31, 20})).sizes() == at::IntArrayRef{1, 15, 10});
  CHECK(resize(at::zeros({1, 5, 5})).sizes() == at::IntArrayRef{1, 10, 10});
  const auto image = counted({3, 20, 31});
  CHECK(at::equal(resize(image), transform::Resize{10, 15}(image)));
}

TEST_CASE("transform::CenterCrop splits odd margins as torchvision does", "[transform]") {
  const auto image = counted({1, 10, 11});
  const auto cropped = transform::CenterCrop{3, 6}(image);  // margins 7 and 5: round(3.5) = 4, round(2.5) = 2
  CHECK(at::equal(cropped, image.narrow(1, 4, 3).narrow(2, 2, 6)));
  CHECK(at::equal(transform::CenterCrop{10, 11}(image), image));
  CHECK(thrown<g2d::ShapeError>([&] { return transform::CenterCrop{3, 12}(image); }) ==
        "g2d: transform::CenterCrop: expected an image of at least 3 x 12 pixels, got [1, 10, 11]; resize first");
}

TEST_CASE("transform::RandomCrop reaches every place inside the image, and no other", "[transform]") {
  const auto image = counted({1, 4, 6});
  std::set<double> corners;
  for (std::int64_t id = 0; id < 300; ++id) {
    const auto part = apply(transform::RandomCrop{3, 4}, image, id);
    const auto corner = part[0][0][0].item<std::int64_t>();
    REQUIRE(at::equal(part, image.narrow(1, corner / 6, 3).narrow(2, corner % 6, 4)));
    corners.insert(static_cast<double>(corner));
  }
  CHECK(corners == std::set<double>{0, 1, 2, 6, 7, 8});
}

TEST_CASE("transform::RandomResizedCrop: area and ratio stay in their ranges", "[transform]") {
  // Channels hold the pixel's row and column: their slopes and means tell which part was enlarged.
  const auto image = at::stack({at::arange(100, at::kDouble).view({-1, 1}).expand({100, 80}),
                                at::arange(80, at::kDouble).view({1, -1}).expand({100, 80})});
  const transform::RandomResizedCrop crop{.height = 100, .width = 100, .smallest_scale = 0.25, .largest_scale = 0.5};
  std::set<std::int64_t> centers;
  for (std::int64_t id = 0; id < 300; ++id) {
    const auto part = apply(crop, image, id);
    const auto height = 100 * (part[0][50][0] - part[0][49][0]).item<double>();
    const auto width = 100 * (part[1][0][50] - part[1][0][49]).item<double>();
    const auto center = part[0].mean().item<double>();
    REQUIRE(height * width > 0.24 * 8000);
    REQUIRE(height * width < 0.51 * 8000);
    REQUIRE(width / height > 0.73);
    REQUIRE(width / height < 1.37);
    REQUIRE(center >= (height - 1) / 2 - 0.01);
    REQUIRE(center <= 99 - (height - 1) / 2 + 0.01);
    centers.insert(std::llround(center));
  }
  CHECK(centers.size() > 30);

  CHECK(at::equal(apply(
                      transform::RandomResizedCrop{
                          .height = 100, .width = 80, .smallest_scale = 1, .smallest_ratio = 0.8, .largest_ratio = 0.8},
                      image),
                  image));
}

TEST_CASE("transform::RandomResizedCrop: an image of no fitting ratio is cut in the middle", "[transform]") {
  const auto wide = counted({1, 3, 90});
  const transform::RandomResizedCrop crop{.height = 3, .width = 4, .smallest_scale = 1};
  CHECK(at::equal(apply(crop, wide), wide.narrow(2, 43, 4)));
  const auto tall = counted({1, 90, 3});
  CHECK(at::equal(apply(transform::RandomResizedCrop{.height = 4, .width = 3, .smallest_scale = 1}, tall),
                  tall.narrow(1, 43, 4)));
  CHECK(apply(transform::RandomResizedCrop{5, 5}, at::ones({1, 1, 1})).sizes() == at::IntArrayRef{1, 5, 5});
}

TEST_CASE("transform::HorizontalFlip: never with probability 0, always with 1, as often as it says between",
          "[transform]") {
  const auto image = counted({2, 2, 3});
  int flips = 0;
  for (std::int64_t id = 0; id < 1000; ++id) {
    REQUIRE(at::equal(apply(transform::HorizontalFlip{0}, image, id), image));
    REQUIRE(at::equal(apply(transform::HorizontalFlip{1}, image, id), image.flip({2})));
    if (!at::equal(apply(transform::HorizontalFlip{0.25}, image, id), image)) ++flips;
  }
  CHECK(flips == Approx(250).margin(55));  // four standard deviations
}

TEST_CASE("transform::Normalize works channel by channel", "[transform]") {
  const auto normalized = transform::Normalize(transform::imagenet_mean, transform::imagenet_std)(at::ones({3, 2, 2}));
  CHECK(normalized.scalar_type() == at::kFloat);
  CHECK(normalized[0][1][1].item<double>() == Approx((1 - 0.485) / 0.229));
  CHECK(normalized[2][0][1].item<double>() == Approx((1 - 0.406) / 0.225));
  CHECK_THAT(thrown<g2d::ShapeError>([] { return transform::Normalize({0.5}, {0.5})(at::ones({3, 2, 2})); }),
             Catch::Matchers::StartsWith("g2d: transform::Normalize: expected 1 channels, got [3, 2, 2]; "));
}

TEST_CASE("transform::Standardize: the training split gets mean 0 and deviation 1, over the dimensions asked for",
          "[transform]") {
  at::manual_seed(1);
  const auto train = at::randn({20, 1, 4, 6}) * at::tensor({1.0F, 2.0F, 3.0F, 4.0F}).view({4, 1}) + 5;
  for (const auto& over : std::vector<std::vector<std::int64_t>>{{0, 1, 2, 3}, {0, 1, 3}, {0}}) {
    const auto standardize = transform::Standardize::fit(train, over);
    std::vector<at::Tensor> samples;
    for (const auto& sample : train.unbind()) samples.push_back(standardize(sample));
    const auto standardized = at::stack(samples);
    CHECK(standardized.scalar_type() == at::kFloat);
    CHECK(standardized.mean(over).abs().max().item<double>() < 1e-6);
    CHECK((standardized.std(over, /*unbiased=*/false) - 1).abs().max().item<double>() < 1e-6);
    CHECK(at::equal(standardize(train), standardized));  // a batch is as good as its samples
    const auto back = standardized * standardize.deviation() + standardize.mean();
    CHECK(largest_difference(back, train) < 1e-5);
  }
}

TEST_CASE("transform::Standardize: one constant feature becomes 0; nothing but constants, NaN or no N is refused",
          "[transform]") {
  const auto train = at::tensor({1.0, 7.1, 3.0, 7.1}).view({2, 2});
  CHECK(at::equal(transform::Standardize::fit(train, {0})(train), at::tensor({-1.0, 0.0, 1.0, 0.0}).view({2, 2})));

  using transform::Standardize;
  CHECK(thrown<g2d::DataError>([] { return Standardize::fit(at::full({4, 1}, 7.1, at::kDouble), {0, 1}); }) ==
        "g2d: transform::Standardize::fit: expected values that vary, got 4 samples with mean [7.1] and deviation [0]");
  CHECK(thrown<g2d::DataError>([] { return Standardize::fit(at::tensor({1.0, missing}), {0}); }) ==
        "g2d: transform::Standardize::fit: expected finite values, got NaN or infinity; apply ReplaceNonFinite first");
  CHECK(thrown<g2d::ShapeError>([&] { return Standardize::fit(train, {1}); }) ==
        "g2d: transform::Standardize::fit: expected samples [N, ...] and dimensions of theirs that include 0, got [2, "
        "2] and [1]");
  CHECK_THROWS_AS(Standardize::fit(train, {0, 2}), g2d::ShapeError);
  CHECK_THROWS_AS(Standardize::fit(at::Tensor(), {0}), g2d::ShapeError);
}

TEST_CASE("transform::TableScaler fills with training medians, scales, and marks what was missing", "[transform]") {
  const auto scaler = transform::TableScaler::fit(table(), {.marks_missing = true});
  const auto scaled = scaler(table());
  CHECK(scaler.marked() == std::vector<std::int64_t>{1});
  REQUIRE(scaled.sizes() == at::IntArrayRef{4, 4});
  CHECK(at::allclose(scaled.narrow(1, 0, 2).mean(0), at::zeros({2}, at::kDouble), 0, 1e-12));
  CHECK(at::allclose(scaled.narrow(1, 0, 2).std(0, /*unbiased=*/false), at::ones({2}, at::kDouble)));
  CHECK(scaled[0][1].item<double>() == 0);                             // the median of 10, 20, 30 is their mean too
  CHECK(at::equal(scaled.select(1, 2), at::zeros({4}, at::kDouble)));  // a constant column
  CHECK(at::equal(scaled.select(1, 3), at::tensor({1.0, 0.0, 0.0, 0.0})));

  // The first column: 1, 2, 9, 4, with the median 3, the mean 4 and the squared deviation 38 / 4.
  const auto row = scaler(at::tensor({missing, missing, missing}).to(at::kFloat));
  CHECK(row.scalar_type() == at::kFloat);
  CHECK(row[0].item<double>() == Approx((3 - 4) / std::sqrt(9.5)));
  CHECK(at::equal(row.narrow(0, 1, 3), at::tensor({0.0F, 0.0F, 1.0F})));
  CHECK(transform::TableScaler::fit(table())(table()).size(1) == 3);

  using transform::TableScaler;
  CHECK(thrown<g2d::DataError>([] {
          return TableScaler::fit(at::tensor({1.0, missing, 2.0, missing}).view({2, 2}));
        }) == "g2d: transform::TableScaler::fit: column 1 of 2: expected finite values, got none; leave it out");
  CHECK(thrown<g2d::DataError>([] { return TableScaler::fit(at::tensor({1.0, infinity}).view({1, 2})); }) ==
        "g2d: transform::TableScaler::fit: column 1 of 2: expected finite values, got infinity; leave it out");
  CHECK_THROWS_AS(TableScaler::fit(at::zeros({3})), g2d::ShapeError);
  CHECK_THROWS_AS(scaler(at::zeros({1, 1, 3})), g2d::ShapeError);
}

TEST_CASE("transform::OneHot: one column a training category, none for unknown and missing texts", "[transform]") {
  const std::vector<std::string> train{"loam", "clay", "", "loam", "sand"};
  const auto one_hot = transform::OneHot::fit(train);
  CHECK(one_hot.categories() == std::vector<std::string>{"clay", "loam", "sand"});

  const auto encoded = one_hot(train);
  CHECK(at::equal(encoded.sum(1), at::tensor({1.0F, 1.0F, 0.0F, 1.0F, 1.0F})));
  for (const auto row : {0, 1, 3, 4}) {
    CHECK(one_hot.categories()[static_cast<std::size_t>(encoded[row].argmax().item<std::int64_t>())] ==
          train[static_cast<std::size_t>(row)]);
  }
  CHECK(at::equal(one_hot(std::vector<std::string>{"peat"}), at::zeros({1, 3})));

  CHECK(transform::OneHot({"a", "b"}).description() != transform::OneHot({"b", "a"}).description());
  CHECK(transform::OneHot({"a", "b"}).description() != transform::OneHot({"a b"}).description());
  CHECK(thrown<g2d::DataError>([] { return transform::OneHot::fit(std::vector<std::string>{"", ""}); }) ==
        "g2d: transform::OneHot::fit: expected at least one text, got 2 empty ones");
}

TEST_CASE("transform::Truncate keeps the first or the last steps", "[transform]") {
  const auto sequence = counted({5, 2});
  CHECK(at::equal(transform::Truncate{3}(sequence), sequence.narrow(0, 0, 3)));
  CHECK(at::equal(transform::Truncate{3, /*keeps_first=*/false}(sequence), sequence.narrow(0, 2, 3)));
  CHECK(at::equal(transform::Truncate{9}(sequence), sequence));
}

TEST_CASE("transform::ReplaceNonFinite leaves finite values alone", "[transform]") {
  const auto replaced = transform::ReplaceNonFinite{}(at::tensor({1.5, missing, infinity, -infinity, 1e300}));
  CHECK(at::equal(replaced, at::tensor({1.5, 0.0, 0.0, 0.0, 1e300})));
}

TEST_CASE("transform::Chain: parts one after the other, as random as its parts", "[transform]") {
  const transform::Chain chain{transform::Tile{66150}, transform::Crop{66150, Place::Start}, transform::Clip{},
                               transform::Spectrogram{}};
  CHECK(!chain.is_random());
  CHECK(apply(chain, at::zeros({30000})).sizes() == at::IntArrayRef{1, 257, 188});
  CHECK(chain.description() ==
        "tile 66150, crop 66150 start, clip -1 to 1, spectrogram n_fft 512 hop 353 periodic hann centred padding zeros "
        "log offset 1e-07");
  CHECK(transform::Chain{transform::ToFloat{}, transform::HorizontalFlip{}}.is_random());
}
