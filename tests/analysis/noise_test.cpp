// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <g2d/analysis.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/evaluate.hpp>

#include "analysis/figures.hpp"
#include "analysis/recorders.hpp"
#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace analysis = g2d::analysis;
using Task = g2d::task::Classification;

}  // namespace

TEST_CASE("analysis::evaluate_under_noise: level 0 is the clean evaluation, other encoders run once",
          "[analysis][noise]") {
  const auto student = recorder_student(2);
  const auto dataset = samples(50, 2);
  const std::vector<double> levels{0.0, 0.5, 2.0};
  const auto noisy = analysis::evaluate_under_noise(*student, dataset, Task(), 1, levels, {.batch_size = 20});
  CHECK(module_of<Recorder>(*student, 0).seen.size() == 3);
  CHECK(module_of<Recorder>(*student, 1).seen.size() == 9);
  CHECK(values(noisy[0]) == values(g2d::evaluate(*student, dataset, Task()).fused));
}

TEST_CASE(
    "analysis::evaluate_under_noise: noise has the input's deviation, one draw a sample for all levels and batches",
    "[analysis][noise]") {
  const auto dataset = samples(300, 2, {3, 5});
  const auto& clean = dataset.all().inputs[1].values;
  const auto seen = [&](double level, std::int64_t batch_size, std::uint64_t seed, std::size_t m = 1) {
    const auto student = recorder_student(2, 15);
    const std::vector<double> levels{level};
    (void)analysis::evaluate_under_noise(*student, dataset, Task(), m, levels,
                                         {.seed = seed, .batch_size = batch_size});
    return module_of<Recorder>(*student, m).all();
  };
  const auto first = seen(0.5, 64, 0) - clean;
  const double deviation = clean.std(/*unbiased=*/false).item<double>();
  CHECK(first.std(/*unbiased=*/false).item<double>() == Approx(0.5 * deviation).epsilon(0.05));
  CHECK(std::abs(first.mean().item<double>()) < 0.1 * deviation);
  CHECK(seen(0.5, 7, 0).equal(seen(0.5, 300, 0)));
  CHECK((seen(2.0, 64, 0) - clean).allclose(first * 4.0, 1e-3, 1e-4));
  CHECK(seen(0.5, 64, 0).equal(seen(0.5, 64, 0)));
  CHECK_FALSE(seen(0.5, 64, 1).equal(seen(0.5, 64, 0)));
  CHECK_FALSE((seen(0.5, 64, 0, 0) - dataset.all().inputs[0].values).allclose(first, 1e-2, 1e-2));
  CHECK_FALSE(first[0].allclose(first[1]));
}

TEST_CASE("analysis::evaluate_under_noise: padding stays zero, wherever a batch's padding ends, and does not count",
          "[analysis][noise]") {
  const auto lengths = torch::tensor({5, 1, 3, 2, 4, 5});
  const auto valid = torch::arange(5).unsqueeze(0).lt(lengths.unsqueeze(1)).unsqueeze(2).expand({6, 5, 2});
  Random random(9, at::kFloat);
  const auto values = (random.normal({6, 5, 2}) + 4.0) * valid;
  const auto seen = [&](std::int64_t steps) {
    torch::manual_seed(0);
    const auto student = g2d_test::make_student({std::make_shared<SequenceRecorder>(2)}, 3);
    const auto padded = torch::cat({values, torch::zeros({6, steps - 5, 2})}, 1);
    const g2d::data::InMemory dataset({"audio"}, {{padded, lengths}}, torch::tensor({0, 1, 2, 0, 1, 2}));
    const std::vector<double> levels{1.0};
    (void)analysis::evaluate_under_noise(*student, dataset, Task(), 0, levels);
    return module_of<SequenceRecorder>(*student, 0).seen[0];
  };
  const auto noisy = seen(5);
  CHECK(noisy.index({valid.logical_not()}).eq(0).all().item<bool>());
  CHECK_FALSE(noisy.index({valid}).eq(values.index({valid})).any().item<bool>());
  CHECK(seen(9).narrow(1, 0, 5).allclose(noisy));
  CHECK(seen(9).narrow(1, 5, 4).eq(0).all().item<bool>());
}

TEST_CASE("analysis::evaluate_under_noise: samples without the modality count for nothing", "[analysis][noise]") {
  auto present = torch::ones({10, 2}, at::kBool);
  present.index_put_({torch::tensor({2, 5}), torch::tensor({1, 1})}, torch::tensor(false));
  const auto rows = present.select(1, 1).nonzero().squeeze(1);
  const auto seen = [](const g2d::data::InMemory& dataset) {
    const auto student = recorder_student(2);
    const std::vector<double> levels{0.7};
    (void)analysis::evaluate_under_noise(*student, dataset, Task(), 1, levels);
    return module_of<Recorder>(*student, 1).all();
  };
  const auto complete = samples(10, 2);
  const auto expected = seen(complete.subset(rows));
  for (const double filler : {0.0, missing}) {
    auto inputs = complete.all().inputs;
    inputs[1].values = inputs[1].values.masked_fill(present.select(1, 1).logical_not().unsqueeze(1), filler);
    const g2d::data::InMemory dataset(complete.names(), inputs, complete.targets(), complete.sample_ids(), present);
    const auto noisy = seen(dataset);
    CHECK(noisy.index_select(0, rows).equal(expected));
    CHECK(noisy.isfinite().all().item<bool>());
  }
}

TEST_CASE("analysis::evaluate_under_noise works on datasets without ids, and refuses levels and inputs without meaning",
          "[analysis][noise]") {
  const auto student = recorder_student(2);
  const auto dataset = samples(10, 2);
  const std::vector<double> good{1.0};
  CHECK(analysis::evaluate_under_noise(*student, WithoutIds{dataset}, Task(), 0, good).size() == 1);
  const auto noise = [&](std::size_t m, const std::vector<double>& levels) {
    (void)analysis::evaluate_under_noise(*student, dataset, Task(), m, levels);
  };
  CHECK(thrown<g2d::ConfigError>([&] { noise(2, good); }) ==
        "g2d: analysis::evaluate_under_noise: expected a modality in [0, 2), got 2");
  CHECK(thrown<g2d::ConfigError>([&] { noise(0, {}); }) ==
        "g2d: analysis::evaluate_under_noise: expected at least one level, got none");
  CHECK(thrown<g2d::ConfigError>([&] { noise(0, {1.0, -0.5}); }) ==
        "g2d: analysis::evaluate_under_noise: expected finite levels >= 0, got -0.5");
  CHECK(thrown<g2d::ConfigError>([&] { noise(0, {missing}); }) ==
        "g2d: analysis::evaluate_under_noise: expected finite levels >= 0, got nan");
  const g2d::data::InMemory words(g2d_test::names(2), {torch::ones({4, 4}, at::kLong), torch::ones({4, 4})},
                                  torch::tensor({0, 1, 2, 0}));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::evaluate_under_noise(*student, words, Task(), 0, good); }) ==
        "g2d: analysis::evaluate_under_noise: modality \"audio\": expected floating inputs, got Long");
}
