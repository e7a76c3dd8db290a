// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "digit_files.hpp"

#include <ATen/CPUGeneratorImpl.h>
#include <fmt/format.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <limits>
#include <set>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/split_by_class.hpp>
#include <g2d/data/splits.hpp>
#include <g2d/dataset/class_pairs.hpp>
#include <g2d/dataset/digit_pairs.hpp>
#include <g2d/dataset/fit_length.hpp>
#include <g2d/dataset/gaussian_noise.hpp>
#include <g2d/dataset/log_spectrogram.hpp>
#include <g2d/dataset/read_audio_visual_digits.hpp>
#include <g2d/dataset/standardization.hpp>

#include "support/catch.hpp"
#include "support/thrown.hpp"

namespace {

using Catch::Matchers::Contains;
using g2d::ConfigError;
using g2d::DataError;
using g2d::data::Splits;
using g2d::dataset::AudioVisualDigits;
using g2d::dataset::AudioVisualDigitsOptions;
using g2d::dataset::AudioVisualSplit;
using g2d::dataset::ClassPairs;
using g2d::dataset::DigitPairsOptions;
using g2d::dataset::DigitRecordings;
using g2d::dataset::Mnist;
using g2d_test::TemporaryFolder;
using g2d_test::thrown;

std::set<std::int64_t> set_of(const at::Tensor& rows) {
  const auto* first = rows.const_data_ptr<std::int64_t>();
  return {first, first + rows.numel()};
}

bool are_disjoint(const at::Tensor& a, const at::Tensor& b) {
  for (const auto row : set_of(a)) {
    if (set_of(b).contains(row)) return false;
  }
  return true;
}

bool same(const AudioVisualSplit& a, const AudioVisualSplit& b) {
  return torch::equal(a.audio, b.audio) && torch::equal(a.image, b.image) && torch::equal(a.labels, b.labels) &&
         torch::equal(a.sample_ids, b.sample_ids);
}

bool same(const ClassPairs& a, const ClassPairs& b) {
  return torch::equal(a.first, b.first) && torch::equal(a.second, b.second) && torch::equal(a.labels, b.labels);
}

/// Labels only: what pairing looks at. 200 training and 50 test images; four speakers with 10 recordings of each digit.
Mnist some_images() { return {{{}, torch::arange(200).remainder(10)}, {{}, torch::arange(50).remainder(10)}}; }

DigitRecordings some_recordings() {
  DigitRecordings recordings{
      {}, torch::arange(400).remainder(10), {}, torch::arange(400).div(10, "floor").remainder(10)};
  for (const auto* speaker : {"anna", "bela", "cleo", "dana"})
    recordings.speakers.insert(recordings.speakers.end(), 100, speaker);
  return recordings;
}

/// Files of 60 training and 20 test images and of two speakers with 8 recordings of each digit.
void write_digits(const TemporaryFolder& folder) {
  g2d_test::write_images(folder.path(), "train", 60);
  g2d_test::write_images(folder.path(), "t10k", 20);
  g2d_test::write_recordings(folder / "recordings", {"anna", "bela"}, 8);
}

AudioVisualDigitsOptions few_pairs() {
  AudioVisualDigitsOptions options;
  options.pairing.pairs = {50, 20, 30};
  return options;
}

}  // namespace

TEST_CASE("dataset::fit_length: short recordings are centred in silence, long ones lose both ends", "[digits]") {
  const std::vector<at::Tensor> waveforms{torch::tensor({1.0F, 2.0F}),
                                          torch::tensor({1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F, 7.0F}),
                                          torch::tensor({1.0F, 2.0F, 3.0F, 4.0F})};
  const auto expected = torch::tensor({{0.0F, 1.0F, 2.0F, 0.0F}, {2.0F, 3.0F, 4.0F, 5.0F}, {1.0F, 2.0F, 3.0F, 4.0F}});
  CHECK(torch::equal(g2d::dataset::fit_length(waveforms, 4), expected));
  CHECK(thrown<ConfigError>([&] { (void)g2d::dataset::fit_length(waveforms, 0); }) ==
        "g2d: dataset::fit_length: expected at least one sample, got 0");
}

TEST_CASE("dataset::log_spectrogram: agrees with NumPy's Fourier transform of the windowed frames", "[digits]") {
  const auto n = torch::arange(500, torch::kDouble);
  const auto t = n / 8000;
  const auto chirp = (6.283185307179586 * (200 * t + 20000 * t * t)).sin() + 0.25 * (0.9 * n).cos();
  const auto spectrogram =
      g2d::dataset::log_spectrogram(chirp.unsqueeze(0), {.window = 64, .hop = 32, .bands = 8, .floor = 1e-2});
  REQUIRE(spectrogram.sizes() == at::IntArrayRef{1, 1, 8, 16});
  struct Golden {
    std::int64_t band;
    std::int64_t frame;
    double value;
  };
  for (const auto& golden : {Golden{0, 0, 1.1537095092},
                             {0, 15, -4.3912849149},
                             {2, 5, 0.8896565852},
                             {3, 8, 0.0142948416},
                             {7, 2, -4.6051701362},
                             {5, 14, -0.9217014884},
                             {4, 10, -3.7298471462}}) {
    CAPTURE(golden.band, golden.frame);
    CHECK(spectrogram[0][0][golden.band][golden.frame].item<double>() == Approx(golden.value).margin(1e-9));
  }
}

TEST_CASE("dataset::log_spectrogram: loudness carries nothing, silence is the floor, rows do not mix", "[digits]") {
  torch::manual_seed(1);
  const auto waveforms = torch::randn({600, 2048}, torch::kDouble);
  const auto spectrograms = g2d::dataset::log_spectrogram(waveforms);
  CHECK(spectrograms.sizes() == at::IntArrayRef{600, 1, 32, 9});
  CHECK(torch::allclose(g2d::dataset::log_spectrogram(waveforms * 0.01), spectrograms));
  CHECK(torch::allclose(g2d::dataset::log_spectrogram(waveforms.narrow(0, 555, 1)), spectrograms.narrow(0, 555, 1)));
  CHECK(spectrograms.exp().mean().item<double>() == Approx(1).epsilon(0.15));
  const auto silence = g2d::dataset::log_spectrogram(torch::zeros({1, 2048}));
  CHECK(torch::allclose(silence, torch::full_like(silence, std::log(1e-2))));
}

TEST_CASE("dataset::log_spectrogram: options that do not fit together are refused", "[digits]") {
  const auto error = [](const g2d::dataset::LogSpectrogramOptions& options) {
    return thrown<ConfigError>([&] { (void)g2d::dataset::log_spectrogram(torch::zeros({1, 100}), options); });
  };
  CHECK(error({.window = 64, .hop = 32, .bands = 5}) ==
        "g2d: dataset::log_spectrogram: expected hop >= 1, bands that divide window / 2 and floor > 0, got window 64, "
        "hop "
        "32, bands "
        "5, floor 0.01");
  CHECK_THAT(error({.hop = 0}), Contains("got window 512, hop 0"));
  CHECK_THAT(error({.window = 0}), Contains("got window 0"));
  CHECK_THAT(error({.bands = 0}), Contains("bands 0"));
  CHECK_THAT(error({.floor = 0}), Contains("floor 0"));
  CHECK(thrown<g2d::ShapeError>([] { (void)g2d::dataset::log_spectrogram(torch::zeros({100})); }) ==
        "g2d: dataset::log_spectrogram: waveforms: expected [B, D], got [100]");
}

TEST_CASE("dataset::measure_standardization: the training split gets mean 0 and deviation 1", "[digits]") {
  torch::manual_seed(2);
  const auto train = 3 + 5 * torch::randn({100, 1, 4, 4});
  const auto standardise = g2d::dataset::measure_standardization(train, "audio");
  CHECK(standardise(train).mean().item<double>() == Approx(0).margin(1e-6));
  CHECK(standardise(train).std(false).item<double>() == Approx(1));
  CHECK(standardise(torch::tensor({standardise.mean + standardise.deviation})).item<double>() == Approx(1));

  const auto error = [](const at::Tensor& values) {
    return thrown<DataError>([&] { (void)g2d::dataset::measure_standardization(values, "audio"); });
  };
  CHECK(error(torch::full({3, 3}, 2)) ==
        "g2d: dataset::measure_standardization: audio: expected finite values that vary, got mean 2 and deviation 0");
  CHECK_THAT(error(torch::tensor({1.0F, std::numeric_limits<float>::quiet_NaN()})),
             Contains("got mean nan and deviation nan"));
}

TEST_CASE("dataset::add_gaussian_noise: each sample gets noise of its own deviation", "[digits]") {
  const auto values = torch::full({3, 1, 100, 100}, 7.0);
  const auto noisy = g2d::dataset::add_gaussian_noise(values, torch::tensor({0.0, 0.5, 2.0}), g2d::make_generator(1));
  CHECK(torch::equal(noisy[0], values[0]));
  CHECK(torch::allclose((noisy - values).std({1, 2, 3}, false), torch::tensor({0.0, 0.5, 2.0}), 0.03));
}

TEST_CASE("data::split_by_class: holds out the fraction of every class, and each row is on one side", "[digits]") {
  const auto labels = torch::cat({torch::zeros({40}, torch::kLong), torch::full({10}, 3), torch::full({2}, 7)});
  const auto rows = torch::arange(100, 152);
  const auto [kept, held_out] = g2d::data::split_by_class(labels, rows, 0.2, g2d::make_generator(5), "images");
  CHECK(are_disjoint(kept, held_out));
  CHECK(kept.numel() + held_out.numel() == 52);
  CHECK(torch::equal(labels.index_select(0, held_out - 100).bincount(), torch::tensor({8, 0, 0, 2, 0, 0, 0, 1})));

  const auto error = [&](double fraction, const at::Tensor& some_labels) {
    return [=] {
      (void)g2d::data::split_by_class(some_labels, torch::arange(some_labels.size(0)), fraction, g2d::make_generator(5),
                                      "images");
    };
  };
  CHECK(thrown<ConfigError>(error(1, labels)) ==
        "g2d: data::split_by_class: images: expected a fraction between 0 and 1, got 1");
  CHECK_THAT(thrown<ConfigError>(error(std::numeric_limits<double>::quiet_NaN(), labels)), Contains("got nan"));
  CHECK(thrown<DataError>(error(0.5, torch::tensor({0, 1, 4}))) ==
        "g2d: data::split_by_class: images: expected a class of at least 2 to divide, got none");
}

TEST_CASE("data::split_by_class: a class of one row is kept", "[digits]") {
  const auto [kept, held_out] = g2d::data::split_by_class(torch::tensor({4, 0, 0, 2}), torch::tensor({10, 11, 12, 13}),
                                                          0.5, g2d::make_generator(5), "images");
  CHECK(kept.numel() == 3);
  CHECK(torch::isin(torch::tensor({10, 13}), kept).all().item<bool>());
}

TEST_CASE("dataset::pair_by_class: partners share the class, and none is used again before all were used", "[digits]") {
  const auto first_labels = torch::arange(60).remainder(3);
  const auto second_labels = torch::arange(12).remainder(3);
  const auto first_rows = torch::arange(0, 60, 2);
  const auto second_rows = torch::arange(3, 12);
  const auto pairs = g2d::dataset::pair_by_class(first_labels, first_rows, second_labels, second_rows, 75,
                                                 g2d::make_generator(3), "test");
  CHECK(torch::equal(first_labels.index_select(0, pairs.first), pairs.labels));
  CHECK(torch::equal(second_labels.index_select(0, pairs.second), pairs.labels));
  CHECK(set_of(pairs.first) == set_of(first_rows));
  CHECK(set_of(pairs.second) == set_of(second_rows));
  const auto first_uses = pairs.first.bincount().index_select(0, first_rows);
  CHECK(first_uses.max().item<std::int64_t>() == 3);
  CHECK(first_uses.min().item<std::int64_t>() == 2);
  for (std::int64_t label = 0; label < 3; ++label) {
    const auto uses = pairs.second.bincount()
                          .index_select(0, second_rows)
                          .masked_select(second_labels.index_select(0, second_rows) == label);
    CHECK((uses.max() - uses.min()).item<std::int64_t>() <= 1);
  }
}

TEST_CASE("dataset::pair_by_class: a class or side that is missing is named", "[digits]") {
  const auto labels = torch::tensor({0, 1, 2});
  const auto error_of = [&](const at::Tensor& second_rows, std::int64_t count) {
    return [=] {
      (void)g2d::dataset::pair_by_class(labels, torch::arange(3), labels, second_rows, count, g2d::make_generator(3),
                                        "test");
    };
  };
  CHECK(thrown<DataError>(error_of(torch::tensor({0, 2}), 9)) ==
        "g2d: dataset::pair_by_class: test: class 1: expected it on both sides, got it on the first only");
  CHECK(thrown<DataError>(error_of(torch::empty({0}, torch::kLong), 9)) ==
        "g2d: dataset::pair_by_class: test: expected rows on both sides, got 3 and 0");
  CHECK(thrown<ConfigError>(error_of(torch::arange(3), 0)) ==
        "g2d: dataset::pair_by_class: test: expected at least one pair, got 0");
}

TEST_CASE("dataset::pair_digits: no image and no recording is in two splits", "[digits]") {
  DigitPairsOptions options{.pairs = {500, 100, 200}, .seed = 4};
  const bool by_speaker = GENERATE(false, true);
  if (by_speaker) {
    options.test_speakers = {"bela"};
    options.validation_speakers = {"dana"};
  }
  const auto recordings = some_recordings();
  const auto pairs = g2d::dataset::pair_digits(some_images(), recordings, options);
  for (const auto& [a, b] :
       {std::pair(&pairs.train, &pairs.validation), {&pairs.train, &pairs.test}, {&pairs.validation, &pairs.test}}) {
    CHECK(are_disjoint(a->first, b->first));
    CHECK(are_disjoint(a->second, b->second));
  }
  CHECK(pairs.train.labels.numel() == 500);
  CHECK(pairs.validation.labels.numel() == 100);
  CHECK(pairs.test.labels.numel() == 200);
  CHECK(pairs.test.first.min().item<std::int64_t>() >= 200);
  CHECK(pairs.train.first.max().item<std::int64_t>() < 200);
  if (by_speaker) {
    const auto speakers_of = [&](const ClassPairs& split) { return set_of(split.second.div(100, "floor")); };
    CHECK(speakers_of(pairs.train) == std::set<std::int64_t>{0, 2});
    CHECK(speakers_of(pairs.validation) == std::set<std::int64_t>{3});
    CHECK(speakers_of(pairs.test) == std::set<std::int64_t>{1});
  } else {
    CHECK((recordings.indices.index_select(0, pairs.test.second) < 5).all().item<bool>());
    CHECK((recordings.indices.index_select(0, pairs.train.second) >= 5).all().item<bool>());
  }
}

TEST_CASE("dataset::pair_digits: the seed decides, and no split depends on the size of another", "[digits]") {
  const auto paired = [](std::int64_t train, std::uint64_t seed) {
    return g2d::dataset::pair_digits(some_images(), some_recordings(), {.pairs = {train, 100, 50}, .seed = seed});
  };
  const auto pairs = paired(300, 1);
  CHECK(same(pairs.train, paired(300, 1).train));
  CHECK_FALSE(same(pairs.train, paired(300, 2).train));
  CHECK_FALSE(set_of(pairs.validation.first) == set_of(paired(300, 2).validation.first));
  CHECK(same(pairs.validation, paired(77, 1).validation));
  CHECK(same(pairs.test, paired(77, 1).test));
}

TEST_CASE("dataset::pair_digits: speakers that cannot be divided are refused", "[digits]") {
  const auto error = [](const DigitPairsOptions& options) {
    return thrown<ConfigError>([&] { (void)g2d::dataset::pair_digits(some_images(), some_recordings(), options); });
  };
  CHECK(error({.test_speakers = {"emil"}, .validation_speakers = {"anna"}}) ==
        "g2d: dataset::pair_digits: expected distinct speakers out of anna, bela, cleo, dana, got \"emil\"");
  CHECK_THAT(error({.test_speakers = {"anna"}, .validation_speakers = {"anna"}}), Contains("got \"anna\" twice"));
  CHECK(
      error({.test_speakers = {"anna"}}) ==
      "g2d: dataset::pair_digits: expected at least one speaker each for test, validation and training, got 1, 0 and 3 "
      "of anna, "
      "bela, cleo, dana");
  CHECK_THAT(error({.test_speakers = {"anna", "bela"}, .validation_speakers = {"cleo", "dana"}}),
             Contains("got 2, 2 and 0 of"));
  CHECK_THAT(error({.validation_fraction = 0}), Contains("images: expected a fraction between 0 and 1, got 0"));
  CHECK_THAT(error({.pairs = {10, 0, 10}}),
             Contains("validation images and recordings: expected at least one pair, got 0"));

  auto recordings = some_recordings();
  recordings.indices += 5;
  CHECK(
      thrown<DataError>([&] { (void)g2d::dataset::pair_digits(some_images(), recordings); }) ==
      "g2d: dataset::pair_digits: expected recordings with an index below 5 (test) and from 5 on (training), got 0 and "
      "400");
}

TEST_CASE("dataset::read_audio_visual_digits: gives standardised splits with ids of their own", "[digits]") {
  const TemporaryFolder folder;
  write_digits(folder);
  auto options = few_pairs();
  options.audio_noise = 0;
  options.image_noise = 0;
  const auto digits = g2d::dataset::read_audio_visual_digits(folder.path(), options);
  const auto& train = digits.splits.train;
  CHECK(train.audio.sizes() == at::IntArrayRef{50, 1, 32, 32});
  CHECK(train.image.sizes() == at::IntArrayRef{50, 1, 28, 28});
  CHECK(train.audio.scalar_type() == torch::kFloat);
  for (const auto* modality : {&train.audio, &train.image}) {
    CHECK(modality->mean().item<double>() == Approx(0).margin(1e-5));
    CHECK(modality->std(false).item<double>() == Approx(1).epsilon(1e-5));
  }
  CHECK(torch::equal(torch::cat({train.sample_ids, digits.splits.validation.sample_ids, digits.splits.test.sample_ids}),
                     torch::arange(100)));
  CHECK_THAT(digits.description,
             Contains("pairs 50, 20, 30") && Contains("seed 0") && Contains("noise 0; standardised"));
}

TEST_CASE("dataset::read_audio_visual_digits: gives what the files hold at the rows that were paired", "[digits]") {
  const TemporaryFolder folder;
  write_digits(folder);
  auto options = few_pairs();
  options.audio_noise = 0;
  options.image_noise = 0;
  const auto digits = g2d::dataset::read_audio_visual_digits(folder.path(), options);
  const auto mnist = g2d::dataset::read_mnist(folder.path());
  const auto recordings = g2d::dataset::read_digit_recordings(folder.path());
  const auto pairs = g2d::dataset::pair_digits(mnist, recordings, options.pairing);
  const auto images = torch::cat({mnist.train.images, mnist.test.images});
  const auto spectrograms = g2d::dataset::log_spectrogram(g2d::dataset::fit_length(recordings.waveforms, 8000));
  const auto standardise_image =
      g2d::dataset::measure_standardization(images.index_select(0, pairs.train.first), "image");
  const auto standardise_audio =
      g2d::dataset::measure_standardization(spectrograms.index_select(0, pairs.train.second), "audio");
  const auto check = [&](const AudioVisualSplit& split, const ClassPairs& rows) {
    CHECK(torch::equal(split.labels, rows.labels));
    CHECK(torch::equal(split.image, standardise_image(images.index_select(0, rows.first))));
    CHECK(torch::equal(split.audio, standardise_audio(spectrograms.index_select(0, rows.second))));
  };
  check(digits.splits.train, pairs.train);
  check(digits.splits.validation, pairs.validation);
  check(digits.splits.test, pairs.test);
}

TEST_CASE("dataset::read_audio_visual_digits: the same seed gives the same bytes and leaves the global generator alone",
          "[digits]") {
  const TemporaryFolder folder;
  write_digits(folder);
  const auto global_state = [] { return at::detail::getDefaultCPUGenerator().get_state(); };
  const auto before = global_state().clone();
  const auto first = g2d::dataset::read_audio_visual_digits(folder.path(), few_pairs());
  CHECK(torch::equal(global_state(), before));
  torch::manual_seed(99);
  const auto second = g2d::dataset::read_audio_visual_digits(folder.path(), few_pairs());
  CHECK(same(first.splits.train, second.splits.train));
  CHECK(same(first.splits.validation, second.splits.validation));
  CHECK(same(first.splits.test, second.splits.test));
  CHECK(first.description == second.description);

  auto options = few_pairs();
  options.pairing.seed = 1;
  const auto other = g2d::dataset::read_audio_visual_digits(folder.path(), options);
  CHECK_FALSE(same(first.splits.train, other.splits.train));
  CHECK(first.description != other.description);
}

TEST_CASE("dataset::read_audio_visual_digits: noise has the deviation asked for and belongs to the sample",
          "[digits]") {
  const TemporaryFolder folder;
  write_digits(folder);
  auto options = few_pairs();
  const auto noisy = g2d::dataset::read_audio_visual_digits(folder.path(), options);
  options.audio_noise = 0;
  options.image_noise = 0;
  const auto clean = g2d::dataset::read_audio_visual_digits(folder.path(), options);
  const auto deviation = [](const at::Tensor& a, const at::Tensor& b) { return (a - b).std(false).item<double>(); };
  CHECK(deviation(noisy.splits.test.audio, clean.splits.test.audio) == Approx(0.8).epsilon(0.03));
  CHECK(deviation(noisy.splits.test.image, clean.splits.test.image) == Approx(3.3).epsilon(0.03));

  for (const double bad : {-0.1, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    options.image_noise = bad;
    CHECK(thrown<ConfigError>([&] { (void)g2d::dataset::read_audio_visual_digits(folder.path(), options); }) ==
          fmt::format("g2d: dataset: image: expected a finite noise deviation of at least 0, got {}", bad));
  }
}

TEST_CASE("dataset::read_audio_visual_digits: real recordings give full, disjoint, balanced splits", "[digits][data]") {
  const auto folder = std::filesystem::path(std::getenv("G2D_DATA")) / "digits";
  const auto digits = g2d::dataset::read_audio_visual_digits(folder);
  const std::array<std::int64_t, 3> sizes{4000, 1000, 2000};
  std::size_t split_number = 0;
  for (const auto* split : {&digits.splits.train, &digits.splits.validation, &digits.splits.test}) {
    const auto size = sizes.at(split_number++);
    CHECK(split->audio.sizes() == at::IntArrayRef{size, 1, 32, 32});
    CHECK(split->image.sizes() == at::IntArrayRef{size, 1, 28, 28});
    const auto shares = split->labels.bincount() / static_cast<double>(size);
    CHECK(shares.size(0) == 10);
    CHECK(shares.min().item<double>() > 0.07);
    CHECK(shares.max().item<double>() < 0.13);
    CHECK(torch::isfinite(split->audio).all().item<bool>());
  }
  std::cout << digits.description << '\n';

  const auto recordings = g2d::dataset::read_digit_recordings(folder);
  CHECK(recordings.waveforms.size() == 2500);
  CHECK(torch::equal(recordings.labels.bincount(), torch::full({10}, 250)));
  DigitPairsOptions by_speaker;
  by_speaker.test_speakers = {"theo"};
  by_speaker.validation_speakers = {"george"};
  const auto pairs = g2d::dataset::pair_digits(g2d::dataset::read_mnist(folder), recordings, by_speaker);
  for (const auto row : set_of(pairs.test.second)) CHECK(recordings.speakers[static_cast<std::size_t>(row)] == "theo");
}
