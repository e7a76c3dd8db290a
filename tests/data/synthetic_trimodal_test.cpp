// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <ATen/CPUGeneratorImpl.h>
#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/dataset/synthetic_trimodal.hpp>

#include "support/catch.hpp"
#include "support/thrown.hpp"

namespace {

using g2d::dataset::InMemoryDataset;
using g2d::dataset::make_synthetic_regression;
using g2d::dataset::make_synthetic_trimodal;
using g2d::dataset::SyntheticTrimodalOptions;
using g2d_test::thrown;

SyntheticTrimodalOptions without_noise(double strength = 1.0) {
  const g2d::dataset::SyntheticModality modality{.strength = strength, .noise = 0};
  return {.samples = {1200, 10, 300}, .audio = modality, .image = modality, .text = modality};
}

bool same(const InMemoryDataset& a, const InMemoryDataset& b) {
  return a.splits.train.fingerprint() == b.splits.train.fingerprint() &&
         a.splits.validation.fingerprint() == b.splits.validation.fingerprint() &&
         a.splits.test.fingerprint() == b.splits.test.fingerprint() && a.description == b.description;
}

const at::Tensor& values(const g2d::data::InMemory& split, std::size_t m) { return split.all().inputs[m].values; }

/// Share of the test samples whose nearest training sample is of their class.
double nearest_sample_accuracy(const InMemoryDataset& dataset, std::size_t m) {
  const auto& [train, validation, test] = dataset.splits;
  const auto nearest = torch::cdist(values(test, m).flatten(1), values(train, m).flatten(1)).argmin(1);
  return train.targets().index_select(0, nearest).eq(test.targets()).to(torch::kDouble).mean().item<double>();
}

/// Share of the variance of the standardised values that is between the means of the classes.
double variance_between_classes(const g2d::data::InMemory& split, std::size_t m) {
  std::vector<at::Tensor> means;
  for (std::int64_t label = 0; label < 6; ++label) {
    means.push_back(values(split, m).index_select(0, split.targets().eq(label).nonzero().squeeze(1)).mean(0));
  }
  return torch::stack(means).var(0, false).mean().item<double>();
}

double correlation(const at::Tensor& a, const at::Tensor& b) {
  return torch::corrcoef(torch::stack({a, b}))[0][1].item<double>();
}

/// The band in which the tone is, loudness taken out.
at::Tensor pitch(const at::Tensor& audio) {
  const auto bands = (audio - audio.amin({1, 2}, /*keepdim=*/true)).sum(1);
  return (bands * torch::arange(bands.size(1))).sum(1) / bands.sum(1);
}

}  // namespace

TEST_CASE("made-up trimodal data: three shapes, balanced classes, standardised, ids of their own",
          "[synthetic-trimodal]") {
  const auto dataset = make_synthetic_trimodal(without_noise());
  const auto& [train, validation, test] = dataset.splits;
  REQUIRE(train.names() == g2d::ModalityNames({"audio", "image", "text"}));
  CHECK(values(train, 0).sizes() == at::IntArrayRef{1200, 8, 12});
  CHECK(values(train, 1).sizes() == at::IntArrayRef{1200, 1, 14, 14});
  CHECK(values(train, 2).sizes() == at::IntArrayRef{1200, 24});
  for (std::size_t m = 0; m < 3; ++m) {
    CHECK(values(train, m).mean().item<double>() == Approx(0).margin(1e-5));
    CHECK(values(train, m).std(false).item<double>() == Approx(1).epsilon(1e-5));
  }
  CHECK(torch::equal(train.targets().bincount(), torch::full({6}, 200)));
  CHECK(torch::equal(test.targets().bincount(), torch::full({6}, 50)));
  CHECK(
      torch::equal(torch::cat({train.sample_ids(), validation.sample_ids(), test.sample_ids()}), torch::arange(1510)));
  CHECK(dataset.target.kind == g2d::OutputKind::Classes);
  CHECK(dataset.target.num_outputs == 6);
  CHECK(dataset.target.names.size() == 6);
}

TEST_CASE("made-up trimodal data: the same seed gives the same bytes and leaves the global generator alone",
          "[synthetic-trimodal]") {
  const auto make = GENERATE(make_synthetic_trimodal, make_synthetic_regression);
  SyntheticTrimodalOptions options{.samples = {40, 20, 20}, .seed = 3};
  const auto global_state = [] { return at::detail::getDefaultCPUGenerator().get_state(); };
  const auto before = global_state().clone();
  const auto first = make(options);
  CHECK(torch::equal(global_state(), before));
  CHECK(same(first, make(options)));
  options.seed = 4;
  CHECK_FALSE(same(first, make(options)));
  CHECK_FALSE(torch::equal(first.splits.validation.targets(), first.splits.test.targets()));
}

TEST_CASE("made-up trimodal data: values of a seed stay what they were", "[synthetic-trimodal]") {
  const SyntheticTrimodalOptions options{
      .samples = {100, 10, 10}, .audio = {.noise = 2}, .image = {.noise = 3.5}, .text = {.noise = 1.3}, .seed = 5};
  const auto classes = make_synthetic_trimodal(options).splits.test;
  const auto regression = make_synthetic_regression(options).splits.test;
  CHECK(torch::equal(classes.targets(), torch::tensor({3, 5, 3, 4, 2, 0, 2, 1, 0, 1})));
  const auto near = [](const at::Tensor& got, std::vector<float> wanted) {
    return torch::allclose(got, torch::tensor(wanted), 0, /*atol=*/1e-3);
  };
  CHECK(near(regression.targets().slice(0, 0, 4).squeeze(1), {116.7278F, 125.2572F, 92.7148F, 61.7215F}));
  CHECK(near(values(classes, 0)[0][3].slice(0, 0, 4), {-1.5102F, -1.6205F, -0.8140F, 0.5722F}));
  CHECK(near(values(classes, 1)[0][0][6].slice(0, 0, 4), {11.8233F, 4.5273F, 1.1185F, -1.6909F}));
  CHECK(near(values(classes, 2)[0].slice(0, 0, 4), {1.3146F, -1.8468F, 0.2417F, -4.9076F}));
}

TEST_CASE("made-up trimodal data: targets of a split do not depend on the size of another", "[synthetic-trimodal]") {
  const auto make = GENERATE(make_synthetic_trimodal, make_synthetic_regression);
  const auto few = make({.samples = {40, 20, 20}});
  const auto many = make({.samples = {80, 30, 20}});
  CHECK(torch::equal(few.splits.test.targets(), many.splits.test.targets()));
}

TEST_CASE("dataset::make_synthetic_trimodal: strength 0 says nothing, and more of it more", "[synthetic-trimodal]") {
  const auto nothing = make_synthetic_trimodal(without_noise(0.0));
  const auto little = make_synthetic_trimodal(without_noise(0.25));
  const auto much = make_synthetic_trimodal(without_noise(1.0));
  for (std::size_t m = 0; m < 3; ++m) {
    CAPTURE(m, nearest_sample_accuracy(nothing, m), nearest_sample_accuracy(little, m),
            nearest_sample_accuracy(much, m));
    CHECK(nearest_sample_accuracy(nothing, m) < 0.25);
    CHECK(nearest_sample_accuracy(little, m) > nearest_sample_accuracy(nothing, m) + 0.1);
    CHECK(nearest_sample_accuracy(much, m) >= nearest_sample_accuracy(little, m));
    CHECK(nearest_sample_accuracy(much, m) > 0.9);
  }
}

TEST_CASE(
    "dataset::make_synthetic_trimodal: means of classes differ in audio, but neither in the image nor in the text",
    "[synthetic-trimodal]") {
  const auto train = make_synthetic_trimodal(without_noise()).splits.train;
  const std::array shares{variance_between_classes(train, 0), variance_between_classes(train, 1),
                          variance_between_classes(train, 2)};
  CAPTURE(shares[0], shares[1], shares[2]);
  CHECK(shares[0] > 0.5);
  CHECK(shares[1] < 0.02);
  CHECK(shares[2] < 0.02);
}

TEST_CASE("made-up trimodal data: noise has the mean asked for and correlates as asked", "[synthetic-trimodal]") {
  const double wanted = GENERATE(-0.5, 0.0, 0.8);
  SyntheticTrimodalOptions options{.samples = {2000, 10, 10},
                                   .audio = {.noise = 0.7},
                                   .image = {.noise = 2.0},
                                   .text = {.noise = 1.0},
                                   .noise_correlation = wanted,
                                   .seed = 1};
  const auto noisy = make_synthetic_trimodal(options).splits.train;
  const std::array means{options.audio.noise, options.image.noise, options.text.noise};
  options.audio.noise = options.image.noise = options.text.noise = 0;
  const auto clean = make_synthetic_trimodal(options).splits.train;
  std::vector<at::Tensor> levels;
  for (std::size_t m = 0; m < 3; ++m) {
    levels.push_back((values(noisy, m) - values(clean, m)).flatten(1).square().mean(1).sqrt());
    CHECK(levels[m].mean().item<double>() == Approx(means[m]).epsilon(0.06));
  }
  for (const auto& [a, b] : {std::pair(0, 1), std::pair(0, 2), std::pair(1, 2)}) {
    const auto level = [&](int m) { return levels[static_cast<std::size_t>(m)].log(); };
    CHECK(correlation(level(a), level(b)) == Approx(wanted).margin(0.08));
  }
}

TEST_CASE("dataset::make_synthetic_regression: a target in points with the moments of its formula",
          "[synthetic-trimodal]") {
  auto options = without_noise();
  options.samples.train = 20000;
  const auto dataset = make_synthetic_regression(options);
  const auto target = dataset.splits.train.targets();
  CHECK(dataset.target.kind == g2d::OutputKind::Values);
  CHECK(dataset.target.num_outputs == 1);
  CHECK(dataset.target.unit == "points");
  REQUIRE(target.sizes() == at::IntArrayRef{20000, 1});
  // Uniform variables behind which normal ones have correlation r have correlation 6 / pi asin(r / 2); their products
  // of three have mean 0.
  const double shared = 6 / std::numbers::pi * std::asin(0.3);
  const double mean = 100 + 30 * shared / 3;
  const double linear_variance = (30 * 30 + 20 * 20 + 15 * 15 + 2 * shared * (30 * 20 + 30 * 15 + 20 * 15)) / 3;
  CHECK(target.mean().item<double>() == Approx(mean).margin(0.7));
  CHECK(target.var().item<double>() > linear_variance);
  CHECK(target.var().item<double>() < linear_variance + 30 * 30 / 5.0);
  CHECK(target.min().item<double>() >= 100 - 30 - 20 - 15 - 30);
  CHECK(target.max().item<double>() <= 100 + 30 + 20 + 15 + 30);
}

TEST_CASE("dataset::make_synthetic_regression: strength decides how much of the target is heard",
          "[synthetic-trimodal]") {
  const auto heard = [](double strength) {
    const auto train = make_synthetic_regression(without_noise(strength)).splits.train;
    return std::abs(correlation(pitch(values(train, 0)), train.targets().squeeze(1)));
  };
  CAPTURE(heard(0.0), heard(1.0));
  CHECK(heard(0.0) < 0.1);
  CHECK(heard(1.0) > 0.8);
}

TEST_CASE("made-up trimodal data: the description says what was decided", "[synthetic-trimodal]") {
  const auto description =
      make_synthetic_trimodal(
          {.samples = {30, 20, 10}, .text = {.strength = 0.5, .noise = 0.25}, .noise_correlation = -0.25, .seed = 9})
          .description;
  for (const std::string part : {"seed 9", "samples 30, 20, 10", "noise correlation -0.25",
                                 "text: strength 0.5, noise 0.25", "standardised by the training split"}) {
    CAPTURE(description, part);
    CHECK(description.find(part) != std::string::npos);
  }
}

TEST_CASE("made-up trimodal data: options out of range are refused by name", "[synthetic-trimodal]") {
  const auto error = [](const SyntheticTrimodalOptions& options) {
    return thrown<g2d::ConfigError>([&] { (void)make_synthetic_trimodal(options); });
  };
  const std::string where = "g2d: dataset::make_synthetic_trimodal: expected ";
  CHECK(error({.samples = {10, 0, 10}}) == where + "at least one sample in each split, got 0");
  CHECK(error({.audio = {.strength = 1.5}}) == where + "strengths from 0 to 1, got 1.5");
  CHECK(error({.text = {.strength = std::numeric_limits<double>::quiet_NaN()}}) ==
        where + "strengths from 0 to 1, got nan");
  CHECK(error({.image = {.noise = -1}}) == where + "finite noise deviations of at least 0, got -1");
  CHECK(error({.noise_correlation = -0.6}) == where + "a noise correlation from -0.5 to 1, got -0.6");
  CHECK(thrown<g2d::ConfigError>([] { (void)make_synthetic_regression({.noise_correlation = 1.1}); }) ==
        "g2d: dataset::make_synthetic_regression: expected a noise correlation from -0.5 to 1, got 1.1");
}
