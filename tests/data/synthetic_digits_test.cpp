// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <limits>

#include <g2d/core/error.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/dataset/digits_imbalance.hpp>
#include <g2d/dataset/rendered_digits.hpp>
#include <g2d/dataset/spoken_digits.hpp>
#include <g2d/dataset/synthetic_digits.hpp>

#include "support/catch.hpp"
#include "support/thrown.hpp"

namespace {

using g2d::dataset::AudioVisualSplit;
using g2d::dataset::SyntheticDigitsOptions;
using g2d_test::thrown;

bool same(const AudioVisualSplit& a, const AudioVisualSplit& b) {
  return torch::equal(a.audio, b.audio) && torch::equal(a.image, b.image) && torch::equal(a.labels, b.labels) &&
         torch::equal(a.sample_ids, b.sample_ids);
}

SyntheticDigitsOptions without_noise() { return {.samples = {600, 10, 300}, .audio_noise = 0, .image_noise = 0}; }

/// Share of the test samples whose nearest mean of a class, over the training samples, is that of their own class.
double nearest_mean_accuracy(const at::Tensor& train, const at::Tensor& train_labels, const at::Tensor& test,
                             const at::Tensor& test_labels) {
  std::vector<at::Tensor> means;
  for (std::int64_t label = 0; label < 10; ++label) {
    means.push_back(train.index_select(0, (train_labels == label).nonzero().squeeze(1)).flatten(1).mean(0));
  }
  const auto guess = torch::cdist(test.flatten(1), torch::stack(means)).argmin(1);
  return (guess == test_labels).to(torch::kDouble).mean().item<double>();
}

/// The deviation of each sample's noise, found as the difference to the same sample without noise.
at::Tensor noise_levels(const at::Tensor& noisy, const at::Tensor& clean) {
  return (noisy - clean).std({1, 2, 3}, false);
}

double correlation(const at::Tensor& a, const at::Tensor& b) {
  return torch::corrcoef(torch::stack({a, b}))[0][1].item<double>();
}

}  // namespace

TEST_CASE("dataset::render_digits: ink between 0 and 1 on an empty border", "[synthetic-digits]") {
  const auto images = g2d::dataset::render_digits(torch::arange(500).remainder(10), 1, g2d::make_generator(1));
  CHECK(images.sizes() == at::IntArrayRef{500, 1, 28, 28});
  CHECK(images.min().item<double>() >= 0);
  CHECK(images.max().item<double>() <= 1);
  const auto peaks = images.amax({1, 2, 3});
  CHECK(peaks.min().item<double>() > 0.7);
  const auto border = images.select(2, 0).mean() + images.select(2, 27).mean() + images.select(3, 0).mean() +
                      images.select(3, 27).mean();
  CHECK(border.item<double>() < 0.1);
}

TEST_CASE("dataset::speak_digits: one voiced part of bounded loudness inside silence", "[synthetic-digits]") {
  const auto waveforms = g2d::dataset::speak_digits(torch::arange(100).remainder(10), 1, g2d::make_generator(1));
  CHECK(waveforms.sizes() == at::IntArrayRef{100, 8000});
  CHECK(waveforms.abs().max().item<double>() <= 3);
  const auto voiced = (waveforms.abs() > 1e-3).to(torch::kDouble).mean(1);
  CHECK(voiced.min().item<double>() > 0.2);
  CHECK(voiced.max().item<double>() < 0.75);
}

TEST_CASE("synthetic digits of strength 0 are the same whatever the label", "[synthetic-digits]") {
  const auto zeros = torch::zeros({30}, torch::kLong);
  const auto labels = torch::arange(30).remainder(10);
  const auto differ = [&](const auto& make, double strength) {
    return !torch::equal(make(zeros, strength, g2d::make_generator(7)), make(labels, strength, g2d::make_generator(7)));
  };
  CHECK_FALSE(differ(g2d::dataset::render_digits, 0));
  CHECK_FALSE(differ(g2d::dataset::speak_digits, 0));
  CHECK(differ(g2d::dataset::render_digits, 0.1));
  CHECK(differ(g2d::dataset::speak_digits, 0.1));
}

TEST_CASE("dataset::make_synthetic_digits: the more strength, the more can be learned from a modality",
          "[synthetic-digits]") {
  auto options = without_noise();
  const auto accuracy = [&] {
    const auto digits = g2d::dataset::make_synthetic_digits(options);
    const auto& [train, validation, test] = digits.splits;
    return std::pair(nearest_mean_accuracy(train.audio, train.labels, test.audio, test.labels),
                     nearest_mean_accuracy(train.image, train.labels, test.image, test.labels));
  };
  const auto [audio, image] = accuracy();
  options.audio_strength = 0.3;
  options.image_strength = 0.3;
  const auto [weak_audio, weak_image] = accuracy();
  options.audio_strength = 0;
  options.image_strength = 0;
  const auto [no_audio, no_image] = accuracy();
  CAPTURE(audio, image, weak_audio, weak_image, no_audio, no_image);
  CHECK(audio > 0.6);
  CHECK(image > 0.6);
  CHECK(audio > weak_audio + 0.1);
  CHECK(image > weak_image + 0.1);
  CHECK(weak_audio > no_audio + 0.1);
  CHECK(weak_image > no_image + 0.1);
  CHECK(no_audio < 0.2);
  CHECK(no_image < 0.2);
}

TEST_CASE("dataset::make_synthetic_digits: balanced, standardised splits with ids of their own", "[synthetic-digits]") {
  const auto digits = g2d::dataset::make_synthetic_digits(without_noise());
  const auto& [train, validation, test] = digits.splits;
  CHECK(train.audio.sizes() == at::IntArrayRef{600, 1, 32, 32});
  CHECK(train.image.sizes() == at::IntArrayRef{600, 1, 28, 28});
  CHECK(torch::equal(train.labels.bincount(), torch::full({10}, 60)));
  CHECK(torch::equal(test.labels.bincount(), torch::full({10}, 30)));
  for (const auto* modality : {&train.audio, &train.image}) {
    CHECK(modality->mean().item<double>() == Approx(0).margin(1e-5));
    CHECK(modality->std(false).item<double>() == Approx(1).epsilon(1e-5));
  }
  CHECK(torch::equal(torch::cat({train.sample_ids, validation.sample_ids, test.sample_ids}), torch::arange(910)));
}

TEST_CASE("dataset::make_synthetic_digits: the same seed gives the same bytes and leaves the global generator alone",
          "[synthetic-digits]") {
  SyntheticDigitsOptions options{.samples = {40, 20, 20}, .seed = 3};
  const auto global_state = [] { return at::detail::getDefaultCPUGenerator().get_state(); };
  const auto before = global_state().clone();
  const auto first = g2d::dataset::make_synthetic_digits(options);
  CHECK(torch::equal(global_state(), before));
  const auto second = g2d::dataset::make_synthetic_digits(options);
  CHECK(same(first.splits.train, second.splits.train));
  CHECK(same(first.splits.test, second.splits.test));
  CHECK(first.description == second.description);

  options.seed = 4;
  const auto other = g2d::dataset::make_synthetic_digits(options);
  CHECK_FALSE(same(first.splits.train, other.splits.train));
  CHECK_FALSE(same(first.splits.train, first.splits.test));
  CHECK(first.description != other.description);
}

TEST_CASE("dataset::make_synthetic_digits: noise has the mean asked for and correlates as asked",
          "[synthetic-digits]") {
  const double wanted = GENERATE(-0.8, 0.0, 0.8);
  const SyntheticDigitsOptions options{
      .samples = {1000, 10, 10}, .audio_noise = 0.7, .image_noise = 2.0, .noise_correlation = wanted, .seed = 1};
  auto clean_options = options;
  clean_options.audio_noise = 0;
  clean_options.image_noise = 0;
  const auto noisy = g2d::dataset::make_synthetic_digits(options).splits.train;
  const auto clean = g2d::dataset::make_synthetic_digits(clean_options).splits.train;
  const auto audio = noise_levels(noisy.audio, clean.audio);
  const auto image = noise_levels(noisy.image, clean.image);
  CHECK(audio.mean().item<double>() == Approx(0.7).epsilon(0.06));
  CHECK(image.mean().item<double>() == Approx(2.0).epsilon(0.06));
  CHECK(correlation(audio.log(), image.log()) == Approx(wanted).margin(0.08));
}

TEST_CASE("dataset::make_synthetic_digits: options out of range are refused by name", "[synthetic-digits]") {
  const auto error = [](const SyntheticDigitsOptions& options) {
    return thrown<g2d::ConfigError>([&] { (void)g2d::dataset::make_synthetic_digits(options); });
  };
  CHECK(error({.samples = {10, 0, 10}}) ==
        "g2d: dataset::make_synthetic_digits: expected at least one sample in each split, got 0");
  CHECK(error({.audio_strength = 1.5}) ==
        "g2d: dataset::make_synthetic_digits: expected strengths from 0 to 1, got 1.5");
  CHECK(error({.image_strength = std::numeric_limits<double>::quiet_NaN()}) ==
        "g2d: dataset::make_synthetic_digits: expected strengths from 0 to 1, got nan");
  CHECK(error({.image_noise = -1}) == "g2d: dataset: image: expected a finite noise deviation of at least 0, got -1");
  CHECK(error({.noise_correlation = 1.01}) ==
        "g2d: dataset::make_synthetic_digits: expected a noise correlation from -1 to 1, got 1.01");
}

TEST_CASE(
    "dataset::synthetic_digits_options: from audio-strong to image-strong audio becomes noisier and the image clearer",
    "[synthetic-digits]") {
  REQUIRE(g2d::dataset::digits_imbalances.size() == 3);
  auto before = g2d::dataset::synthetic_digits_options(g2d::dataset::digits_imbalances[0]);
  CHECK(before.audio_noise == SyntheticDigitsOptions().audio_noise);
  CHECK(before.image_noise == SyntheticDigitsOptions().image_noise);
  for (const auto name : {g2d::dataset::digits_imbalances[1], g2d::dataset::digits_imbalances[2]}) {
    const auto options = g2d::dataset::synthetic_digits_options(name);
    CHECK(options.audio_noise > before.audio_noise);
    CHECK(options.image_noise < before.image_noise);
    before = options;
  }
  CHECK(thrown<g2d::ConfigError>([] { (void)g2d::dataset::synthetic_digits_options("loud"); }) ==
        "g2d: dataset::synthetic_digits_options: expected one of [audio-strong, balanced, image-strong], got \"loud\"");
}
