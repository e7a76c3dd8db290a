// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <g2d/analysis.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/metrics/classification.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/evaluate.hpp>

#include "analysis/figures.hpp"
#include "analysis/recorders.hpp"
#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "support/tiny_encoders.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace analysis = g2d::analysis;
using analysis::Absence;
using Task = g2d::task::Classification;

/// The student and the samples of a case of student.json.
struct GoldenStudent {
  explicit GoldenStudent(const json& file) {
    std::vector<std::int64_t> in_features, widths;
    g2d::PerModality<g2d::Input> inputs;
    for (std::size_t m = 0; m < file["encoders"].size(); ++m) {
      const auto weight = tensor_of(file["encoders"][m]["weight"]);
      in_features.push_back(weight.size(1));
      widths.push_back(weight.size(0));
      inputs.emplace_back(tensor_of(file["inputs"][m]));
    }
    student = g2d_test::make_student(g2d_test::tanh_encoders(in_features, widths), 3);
    student->to(at::kDouble);
    const torch::NoGradGuard no_grad;
    const auto heads = student->fusion().parameters();
    for (std::size_t m = 0; m < widths.size(); ++m) {
      const auto encoder = student->encoder(m).module()->parameters();
      encoder[0].copy_(tensor_of(file["encoders"][m]["weight"]));
      encoder[1].copy_(tensor_of(file["encoders"][m]["bias"]));
      heads[2 * m].value.copy_(tensor_of(file["heads"][m]["weight"]));
      heads[2 * m + 1].value.copy_(tensor_of(file["heads"][m]["bias"]));
    }
    std::vector<at::Tensor> present;
    for (const auto& row : file["present"]) {
      std::vector<int> flags;
      for (const bool flag : row) flags.push_back(flag ? 1 : 0);
      present.push_back(torch::tensor(flags).to(at::kBool));
    }
    dataset = std::make_shared<g2d::data::InMemory>(g2d_test::names(widths.size()), std::move(inputs),
                                                    tensor_of(file["target"]).to(at::kLong), at::Tensor(),
                                                    torch::stack(present));
  }

  std::shared_ptr<g2d::AnyStudent> student;
  std::shared_ptr<g2d::data::InMemory> dataset;
};

}  // namespace

TEST_CASE("analysis: contributions equal means over all orders of joining", "[analysis][contribution][golden]") {
  for (const auto& file : golden_cases("contribution.json")) {
    const auto game = file["game"].get<std::vector<double>>();
    const auto expected = file["values"].get<std::vector<double>>();
    INFO(expected.size() << " modalities");
    const auto contributions = analysis::shapley_values(game);
    const auto utilization = analysis::conditional_utilization(game);
    REQUIRE(contributions.size() == expected.size());
    double sum = 0.0;
    for (std::size_t m = 0; m < expected.size(); ++m) {
      CHECK(contributions[m] == Approx(expected[m]).margin(1e-12));
      CHECK(utilization[m] == Approx(file["utilization"][m].get<double>()).margin(1e-12));
      sum += contributions[m];
    }
    CHECK(sum == Approx(game.back() - game[0]).margin(1e-12));
    if (!file["imbalance"].is_null()) {
      const auto degree = analysis::imbalance_degree(contributions);
      CHECK(degree.absolute == Approx(file["imbalance"].get<double>()).margin(1e-12));
      CHECK(degree.normalized == Approx(file["normalized"].get<double>()).margin(1e-12));
    }
  }
}

TEST_CASE("analysis::shapley_values: an additive game gives its weights, equal modalities get equal shares",
          "[analysis][contribution]") {
  for (std::size_t modalities = 1; modalities <= 5; ++modalities) {
    INFO(modalities << " modalities");
    std::vector<double> additive(std::size_t{1} << modalities, 0.25);
    std::vector<double> symmetric;
    for (std::size_t subset = 0; subset < additive.size(); ++subset) {
      for (std::size_t m = 0; m < modalities; ++m) {
        if ((subset >> m & 1U) != 0) additive[subset] += static_cast<double>(m) - 1.5;
      }
      symmetric.push_back(std::sqrt(static_cast<double>(std::popcount(subset))));
    }
    const auto weights = analysis::shapley_values(additive);
    const auto shares = analysis::shapley_values(symmetric);
    for (std::size_t m = 0; m < modalities; ++m) {
      CHECK(weights[m] == Approx(static_cast<double>(m) - 1.5));
      CHECK(shares[m] == Approx(std::sqrt(static_cast<double>(modalities)) / static_cast<double>(modalities)));
    }
  }
}

TEST_CASE("analysis::imbalance_degree: 0 for equal shares or none, normalized 1 when one of two does it all",
          "[analysis][contribution]") {
  const auto degree = [](std::vector<double> contributions) { return analysis::imbalance_degree(contributions); };
  CHECK(degree({0.2, 0.2, 0.2}).absolute == 0.0);
  CHECK(degree({0.0, 0.0}).normalized == 0.0);
  CHECK(degree({0.4, 0.0}).absolute == Approx(0.4));
  CHECK(degree({0.4, 0.0}).normalized == Approx(1.0));
  CHECK(degree({0.3, 0.1, -0.1}).absolute == Approx((0.2 + 0.4 + 0.2) / 3.0));
  CHECK(thrown<g2d::ConfigError>([&] { (void)degree({1.0}); }) ==
        "g2d: analysis::imbalance_degree: expected at least 2 contributions, got 1");
}

TEST_CASE("analysis: games that are no table of subsets, or of too many modalities, are refused",
          "[analysis][contribution]") {
  const auto shapley = [](std::size_t size) { (void)analysis::shapley_values(std::vector<double>(size)); };
  const std::string one_each =
      "g2d: analysis::shapley_values: expected one value for each of 2^M subsets, M >= 1, got ";
  CHECK(thrown<g2d::ConfigError>([&] { shapley(0); }) == one_each + "0");
  CHECK(thrown<g2d::ConfigError>([&] { shapley(1); }) == one_each + "1");
  CHECK(thrown<g2d::ConfigError>([&] { shapley(6); }) == one_each + "6");
  CHECK(thrown<g2d::ConfigError>([&] { shapley(std::size_t{1} << 17U); }) ==
        "g2d: analysis::shapley_values: expected at most 16 modalities, got 17; each one doubles the number of subsets "
        "to evaluate, and "
        "16 have 65536");
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::subset_game({{{"rmse", 1.0, false}}}); }) ==
        "g2d: analysis::subset_game: expected a metric of which more is better, got none");
}

TEST_CASE("analysis: features and subsets of a student equal NumPy's, absent modalities included",
          "[analysis][subsets][golden]") {
  for (const auto& file : golden_cases("student.json")) {
    const GoldenStudent golden(file);
    const auto modalities = golden.student->num_modalities();
    const std::int64_t batch_size = GENERATE(1000, 7);
    INFO(modalities << " modalities, batches of " << batch_size);
    const auto features = analysis::collect_features(*golden.student, *golden.dataset, batch_size);
    REQUIRE(features.encoded.size() == modalities);
    for (std::size_t m = 0; m < modalities; ++m) {
      CHECK(gap(features.encoded[m], tensor_of(file["features"][m])) < 1e-12);
      CHECK(features.handed_on[m].equal(features.encoded[m]));
      const auto present = features.present.select(1, static_cast<std::int64_t>(m));
      const auto labelled = features.labelled(m);
      CHECK(labelled.features.equal(features.encoded[m].index({present})));
      CHECK(labelled.target.equal(features.target.index({present})));
      CHECK(labelled.target.size(0) < features.size());
    }
    CHECK(features.target.equal(golden.dataset->targets()));
    CHECK(features.sample_ids.equal(golden.dataset->sample_ids()));
    CHECK(features.present.equal(golden.dataset->all().present));
    for (const auto& [name, absence] :
         {std::pair("zero_features", Absence::ZeroFeatures), std::pair("zero_input", Absence::ZeroInput)}) {
      const auto subsets = analysis::evaluate_subsets(*golden.student, *golden.dataset, Task(), absence, batch_size);
      REQUIRE(subsets.size() == file["subsets"][name].size());
      for (std::size_t subset = 0; subset < subsets.size(); ++subset) {
        INFO(name << ", subset " << subset);
        check_metrics(subsets[subset], file["subsets"][name][subset]);
      }
      CHECK(values(subsets.back()) ==
            values(g2d::evaluate(*golden.student, *golden.dataset, Task(), batch_size).fused));
      const auto game = analysis::subset_game(subsets);
      CHECK(game[0] == value(subsets[0], "accuracy"));
      const auto contributions = analysis::shapley_values(game);
      CHECK(std::accumulate(contributions.begin(), contributions.end(), 0.0) == Approx(game.back() - game[0]));
    }
  }
}

TEST_CASE("analysis::evaluate_subsets runs each encoder once for a batch, and once on zeros where zeros are asked for",
          "[analysis][subsets]") {
  const auto student = recorder_student(3);
  const auto dataset = samples(20, 3);
  (void)analysis::evaluate_subsets(*student, dataset, Task(), Absence::ZeroFeatures, 8);
  for (std::size_t m = 0; m < 3; ++m) CHECK(module_of<Recorder>(*student, m).seen.size() == 3);
  (void)analysis::evaluate_subsets(*student, dataset, Task(), Absence::ZeroInput, 8);
  for (std::size_t m = 0; m < 3; ++m) {
    const auto& seen = module_of<Recorder>(*student, m).seen;
    REQUIRE(seen.size() == 7);
    CHECK(seen[4].equal(torch::zeros({1, 4})));
  }
}

TEST_CASE("analysis::evaluate_subsets: an input of zeros keeps the lengths of sequences", "[analysis][subsets]") {
  torch::manual_seed(0);
  const auto student =
      g2d_test::make_student({std::make_shared<SequenceRecorder>(2), std::make_shared<Recorder>(2)}, 3);
  const auto lengths = torch::tensor({5, 1, 3, 2, 4, 5});
  Random random(9, at::kFloat);
  const auto valid = torch::arange(5).unsqueeze(0).lt(lengths.unsqueeze(1)).unsqueeze(2);
  const g2d::data::InMemory dataset({"audio", "image"},
                                    {{random.normal({6, 5, 2}) * valid, lengths}, random.normal({6, 2})},
                                    torch::tensor({0, 1, 2, 0, 1, 2}));
  const auto subsets = analysis::evaluate_subsets(*student, dataset, Task(), Absence::ZeroInput, 4);
  const torch::NoGradGuard no_grad;
  const auto zeros = torch::ones({6, 2}) * lengths.unsqueeze(1);
  const auto image = dataset.all().inputs[1].values + 1.0;
  const auto logits = student->fuse(g2d::PerModality<at::Tensor>{zeros, image}).logits;
  CHECK(values(subsets[2]) == values(g2d::metrics::classification(logits, dataset.targets())));
}

TEST_CASE("analysis: the game of a regression is R^2, of labels accuracy", "[analysis][subsets]") {
  Random random(10, at::kFloat);
  const auto student = recorder_student(2);
  const auto dataset = [&](const at::Tensor& target) {
    return g2d::data::InMemory(g2d_test::names(2), {random.normal({12, 4}), random.normal({12, 4})}, target);
  };
  const auto real = analysis::evaluate_subsets(*student, dataset(random.normal({12, 3})), g2d::task::Regression());
  CHECK(analysis::subset_game(real)[3] == value(real[3], "r2"));
  const auto labels = analysis::evaluate_subsets(*student, dataset(random.bits({12, 3})), g2d::task::MultiLabel());
  CHECK(analysis::subset_game(labels)[3] == value(labels[3], "accuracy"));
}
