// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <g2d/analysis.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>

#include "analysis/figures.hpp"
#include "support/random_case.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace analysis = g2d::analysis;

template <class Function>
void with_task(const std::string& kind, const Function& function) {
  if (kind == "classes") return function(g2d::task::Classification());
  if (kind == "labels") return function(g2d::task::MultiLabel());
  return function(g2d::task::Regression());
}

analysis::LabelledFeatures split_of(const json& split, const std::string& kind) {
  const auto target = tensor_of(split["target"]);
  return {tensor_of(split["features"]), kind == "classes" ? target.to(at::kLong) : target};
}

/// Two clouds a class apart.
analysis::LabelledFeatures separable(std::int64_t count, std::uint64_t seed) {
  Random random(seed);
  const auto labels = torch::arange(count).remainder(2);
  return {random.normal({count, 3}) * 0.1 + labels.to(at::kDouble).mul(4.0).unsqueeze(1) + 50.0, labels};
}

}  // namespace

TEST_CASE("analysis::linear_probe: weights, choice and metrics equal Newton's and least squares' in NumPy",
          "[analysis][probe][golden]") {
  for (const auto& file : golden_cases("probe.json")) {
    const auto kind = file["kind"].get<std::string>();
    const auto train = split_of(file["train"], kind);
    const auto validation = split_of(file["validation"], kind);
    const auto test = split_of(file["test"], kind);
    with_task(kind, [&](const auto& task) {
      std::vector<double> penalties;
      for (const auto& fit : file["fits"]) {
        const double penalty = fit["penalty"];
        penalties.push_back(penalty);
        INFO(kind << ", penalty " << penalty);
        const auto probe = analysis::linear_probe(train, validation, test, task, 3, {.penalties = {penalty}});
        CHECK(probe.penalty == penalty);
        const auto scale = 1.0 + tensor_of(fit["weight"]).abs().max().item<double>();
        CHECK(gap(probe.weight, tensor_of(fit["weight"])) < 1e-4 * scale);
        CHECK(gap(probe.bias, tensor_of(fit["bias"])) < 1e-4 * scale);
        check_metrics(probe.validation, fit["validation"]);
        check_metrics(probe.test, fit["test"]);
      }
      std::reverse(penalties.begin(), penalties.end());
      const auto chosen = analysis::linear_probe(train, validation, test, task, 3, {.penalties = penalties});
      CHECK(chosen.penalty == file["chosen"].get<double>());
    });
  }
}

TEST_CASE("analysis::linear_probe: reads separable classes out without a fault, also under a guard against gradients",
          "[analysis][probe]") {
  const torch::NoGradGuard no_grad;
  const auto probe =
      analysis::linear_probe(separable(40, 1), separable(10, 2), separable(30, 3), g2d::task::Classification(), 2);
  CHECK(probe.validation[0].value == 1.0);
  CHECK(probe.test[0].value == 1.0);
  CHECK(probe.penalty == 1.0);
  CHECK_FALSE(probe.weight.requires_grad());
}

TEST_CASE("analysis::linear_probe: the test split changes nothing but the last figure, and runs are equal to the bit",
          "[analysis][probe]") {
  const auto fit = [](const analysis::LabelledFeatures& test) {
    return analysis::linear_probe(separable(40, 1), separable(10, 2), test, g2d::task::Classification(), 2);
  };
  const auto plain = fit(separable(30, 3));
  auto turned = separable(30, 3);
  turned.features = turned.features * -1e3;
  turned.target = 1 - turned.target;
  const auto other = fit(turned);
  CHECK(other.weight.equal(plain.weight));
  CHECK(other.bias.equal(plain.bias));
  CHECK(other.penalty == plain.penalty);
  CHECK(values(other.validation) == values(plain.validation));
  CHECK(other.test[0].value != plain.test[0].value);
  CHECK(fit(separable(30, 3)).weight.equal(plain.weight));
}

TEST_CASE("analysis::linear_probe: fewer samples than features, and a class that is never seen", "[analysis][probe]") {
  Random random(8);
  const auto features = random.normal({6, 20});
  const analysis::LabelledFeatures few{features, torch::tensor({0, 1, 0, 1, 0, 1})};
  const auto probe = analysis::linear_probe(few, few, few, g2d::task::Classification(), 3);
  CHECK(probe.test[0].value == 1.0);
  CHECK(probe.weight.isfinite().all().item<bool>());
  const analysis::LabelledFeatures real{features, random.normal({6, 2})};
  const auto ridge = analysis::linear_probe(real, real, real, g2d::task::Regression(), 2);
  CHECK(ridge.penalty == 0.0001);
  CHECK(value(ridge.test, "r2") > 0.9);
}

TEST_CASE("analysis::linear_probe refuses penalties, features and targets that make no sense", "[analysis][probe]") {
  const auto good = separable(8, 1);
  const auto probe = [&](const analysis::LabelledFeatures& train, std::vector<double> penalties = {1.0}) {
    (void)analysis::linear_probe(train, good, good, g2d::task::Classification(), 2,
                                 {.penalties = std::move(penalties)});
  };
  const std::string penalties = "g2d: analysis::linear_probe: expected one or more finite penalties > 0";
  CHECK(thrown<g2d::ConfigError>([&] { probe(good, {}); }) == penalties);
  CHECK(thrown<g2d::ConfigError>([&] { probe(good, {1.0, 0.0}); }) == penalties);
  CHECK(thrown<g2d::ConfigError>([&] { probe(good, {std::numeric_limits<double>::infinity()}); }) == penalties);
  CHECK(thrown<g2d::ShapeError>([&] { probe({torch::zeros({8, 2}), good.target}); }) ==
        "g2d: analysis::linear_probe: features: expected [8, 2], got [8, 3]");
  CHECK(thrown<g2d::ShapeError>([&] { probe({good.features.narrow(0, 0, 1), good.target.narrow(0, 0, 1)}); }) ==
        "g2d: analysis::linear_probe: expected at least 2 training samples, got 1");
  CHECK(thrown<g2d::DataError>([&] { probe({torch::full({8, 3}, missing), good.target}); }) ==
        "g2d: analysis::linear_probe: expected finite features, got NaN or infinity");
  CHECK(thrown<g2d::DataError>([&] { probe({good.features, good.target + 1}); }) ==
        "g2d: task::Classification: expected labels in [0, 2), got 2");
}
