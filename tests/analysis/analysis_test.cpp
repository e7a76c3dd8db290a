// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include <g2d/analysis.hpp>
#include <g2d/data/concatenation.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/train_teacher.hpp>

#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"
#include "support/tiny_encoders.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

namespace analysis = g2d::analysis;
using analysis::Absence;
using g2d_test::Random;
using g2d_test::thrown;
using nlohmann::json;
using Task = g2d::task::Classification;

constexpr auto missing = std::numeric_limits<double>::quiet_NaN();

std::vector<json> golden_cases(const std::string& name) {
  std::ifstream file(g2d_test::test_directory() / "analysis" / "golden" / name);
  return json::parse(file).at("cases");
}

at::Tensor tensor_of(const json& numbers) {
  if (!numbers[0].is_array()) return torch::tensor(numbers.get<std::vector<double>>(), at::kDouble);
  std::vector<at::Tensor> rows;
  for (const auto& row : numbers) rows.push_back(tensor_of(row));
  return torch::stack(rows);
}

double gap(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

at::Tensor rotation(Random& random, std::int64_t width) {
  return std::get<0>(torch::linalg_qr(random.normal({width, width})));
}

double value(const g2d::metrics::Metrics& metrics, const std::string& name) {
  for (const auto& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  return missing;
}

void check_metrics(const g2d::metrics::Metrics& metrics, const json& expected) {
  for (const auto& [name, number] : expected.items()) {
    INFO(name);
    CHECK(value(metrics, name) == Approx(number.get<double>()).margin(1e-6));
  }
}

std::vector<double> values(const g2d::metrics::Metrics& metrics) {
  std::vector<double> values;
  for (const auto& metric : metrics) values.push_back(metric.value);
  return values;
}

std::vector<bool> modes(const torch::nn::Module& module) {
  std::vector<bool> modes{module.is_training()};
  for (const auto& child : module.modules(/*include_self=*/false)) modes.push_back(child->is_training());
  return modes;
}

/// Keeps what it was given, and gives it back flat, shifted by one: an input of zeros makes features of ones.
struct Recorder : torch::nn::Module {
  explicit Recorder(std::int64_t width_) : shift(register_parameter("shift", torch::ones({width_}))), width(width_) {}

  at::Tensor forward(const at::Tensor& x) {
    seen.push_back(x);
    return x.flatten(1) + shift;
  }
  [[nodiscard]] std::int64_t feature_width() const { return width; }
  [[nodiscard]] at::Tensor all() const { return torch::cat(seen); }

  std::vector<at::Tensor> seen;
  at::Tensor shift;
  std::int64_t width;
};

/// The same for sequences [B, T, D]: gives the mean over the valid steps, shifted by the length.
struct SequenceRecorder : torch::nn::Module {
  explicit SequenceRecorder(std::int64_t width_)
      : shift(register_parameter("shift", torch::ones({width_}))), width(width_) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& lengths) {
    seen.push_back(x);
    return x.sum(1) / lengths.unsqueeze(1) + shift * lengths.unsqueeze(1);
  }
  [[nodiscard]] std::int64_t feature_width() const { return width; }

  std::vector<at::Tensor> seen;
  at::Tensor shift;
  std::int64_t width;
};

template <class Module>
Module& module_of(const g2d::AnyStudent& student, std::size_t m) {
  return dynamic_cast<Module&>(*student.encoder(m).module());
}

std::shared_ptr<g2d::AnyStudent> recorder_student(std::size_t num_modalities, std::int64_t width = 4) {
  torch::manual_seed(0);
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < num_modalities; ++m) encoders.emplace_back(std::make_shared<Recorder>(width));
  return g2d_test::make_student(std::move(encoders), 3);
}

g2d::data::InMemory samples(std::int64_t count, std::size_t num_modalities, at::IntArrayRef shape = {4},
                            at::Tensor present = {}) {
  Random random(5, at::kFloat);
  g2d::PerModality<g2d::Input> inputs;
  std::vector<std::int64_t> sizes{count};
  sizes.insert(sizes.end(), shape.begin(), shape.end());
  for (std::size_t m = 0; m < num_modalities; ++m) inputs.emplace_back(random.normal(sizes) * 3.0 + 1.0);
  return g2d::data::InMemory(g2d_test::names(num_modalities), std::move(inputs), random.labels(count, 3),
                             torch::arange(count) * 7 + 100, std::move(present));
}

/// The same samples without ids.
struct WithoutIds {
  const g2d::data::InMemory& samples;

  [[nodiscard]] const g2d::ModalityNames& names() const { return samples.names(); }
  [[nodiscard]] std::int64_t size() const { return samples.size(); }
  [[nodiscard]] bool is_deterministic() const { return true; }
  [[nodiscard]] std::string fingerprint() const { return samples.fingerprint(); }
  [[nodiscard]] g2d::Batch batch(const at::Tensor& rows) const {
    auto batch = samples.batch(rows);
    batch.sample_ids = at::Tensor();
    return batch;
  }
};

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

TEST_CASE("analysis: alignment and principal components equal NumPy's by other routes", "[analysis][golden]") {
  for (const auto& file : golden_cases("alignment.json")) {
    const auto x = tensor_of(file["x"]);
    const auto y = tensor_of(file["y"]);
    INFO(x.sizes() << " " << y.sizes());
    CHECK(analysis::linear_cka(x, y) == Approx(file["linear_cka"].get<double>()).epsilon(1e-10));
    CHECK(analysis::procrustes_distance(x, y) == Approx(file["procrustes"].get<double>()).epsilon(1e-10));
    const auto all = analysis::alignment(x, y);
    CHECK(all.linear_cka == analysis::linear_cka(x, y));
    CHECK(all.procrustes == analysis::procrustes_distance(x, y));
    if (file["mean_cosine"].is_null()) {
      CHECK_FALSE(all.mean_cosine);
    } else {
      CHECK(analysis::mean_cosine(x, y) == Approx(file["mean_cosine"].get<double>()).epsilon(1e-10));
      CHECK(all.mean_cosine == analysis::mean_cosine(x, y));
    }
    const auto& expected = file["components"];
    const auto components = analysis::principal_components(x, expected["k"]);
    CHECK(gap(components.directions, tensor_of(expected["directions"])) < 1e-9);
    CHECK(gap(components.explained, tensor_of(expected["explained"])) < 1e-12);
    CHECK(gap(components.project(x), tensor_of(expected["scores"])) < 1e-9);
    CHECK(gap(analysis::principal_components(x.to(at::kFloat), expected["k"]).project(x.to(at::kFloat)),
              tensor_of(expected["scores"])) < 1e-5);
  }
}

TEST_CASE("analysis::linear_cka is 1 for itself, rotated, scaled and shifted, whichever products are smaller",
          "[analysis][alignment]") {
  Random random(1);
  for (const std::int64_t samples : {4, 50}) {
    const auto x = random.normal({samples, 8});
    const auto y = random.normal({samples, 5});
    const auto moved = x.mm(rotation(random, 8)) * -0.01 + 100.0;
    CHECK(analysis::linear_cka(x, x) == Approx(1.0));
    CHECK(analysis::linear_cka(x, moved) == Approx(1.0));
    CHECK(analysis::linear_cka(moved, y) == Approx(analysis::linear_cka(x, y)));
    CHECK(analysis::linear_cka(y, x) == Approx(analysis::linear_cka(x, y)));
    CHECK(analysis::linear_cka(x, y) < 1.0);
    CHECK(analysis::linear_cka(x * 1e30, y * 1e-30) == Approx(analysis::linear_cka(x, y)));
  }
}

TEST_CASE("analysis::procrustes_distance is 0 for rotated, scaled, shifted and wider features, 2 for unrelated ones",
          "[analysis][alignment]") {
  Random random(2);
  const auto x = random.normal({30, 4});
  const auto wider = torch::cat({x, torch::zeros({30, 3}, at::kDouble)}, 1).mm(rotation(random, 7));
  CHECK(analysis::procrustes_distance(x, x.mm(rotation(random, 4)) * 3.0 - 7.0) == Approx(0.0).margin(1e-12));
  CHECK(analysis::procrustes_distance(x, wider) == Approx(0.0).margin(1e-12));
  CHECK(analysis::procrustes_distance(wider, x) == Approx(0.0).margin(1e-12));
  const auto axes = torch::tensor({{1.0, 1.0}, {-1.0, 1.0}, {1.0, -1.0}, {-1.0, -1.0}}, at::kDouble);
  CHECK(analysis::procrustes_distance(axes.narrow(1, 0, 1), axes.narrow(1, 1, 1)) == Approx(2.0));
}

TEST_CASE("analysis: features that are all equal have nothing in common with others", "[analysis][alignment]") {
  Random random(3);
  const auto x = random.normal({30, 4});
  // In double the mean of equal values is off by a rounding.
  const auto collapsed = random.normal({1, 4}).expand({30, 4}).to(GENERATE(at::kFloat, at::kDouble));
  CHECK(analysis::linear_cka(x, collapsed) == 0.0);
  CHECK(analysis::procrustes_distance(x, collapsed) == 2.0);
  CHECK(analysis::mean_cosine(x, torch::zeros({30, 4})) == 0.0);
  const auto components = analysis::principal_components(collapsed, 2);
  CHECK(components.explained.sum().item<double>() == 0.0);
  CHECK(components.project(collapsed).abs().max().item<double>() < 1e-6);
}

TEST_CASE("analysis::mean_cosine is 1 for features scaled sample by sample, -1 for their opposites",
          "[analysis][alignment]") {
  Random random(4);
  const auto x = random.normal({9, 4});
  const auto scales = random.normal({9, 1}).abs() + 0.1;
  CHECK(analysis::mean_cosine(x, x * scales) == Approx(1.0));
  CHECK(analysis::mean_cosine(x, -x * scales) == Approx(-1.0));
}

TEST_CASE("analysis: comparisons refuse what does not belong together", "[analysis][alignment]") {
  const auto x = torch::zeros({5, 3});
  CHECK(thrown<g2d::ShapeError>([&] {
          (void)analysis::linear_cka(x, torch::zeros({4, 3}));
        }) == "g2d: analysis::linear_cka: expected [5, D], got [4, 3]");
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::procrustes_distance(x, torch::zeros({5})); }) ==
        "g2d: analysis::procrustes_distance: expected [5, D], got [5]");
  CHECK(thrown<g2d::ShapeError>([&] {
          (void)analysis::mean_cosine(x, torch::zeros({5, 2}));
        }) == "g2d: analysis::mean_cosine: expected [5, 3], got [5, 2]");
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::linear_cka(x.narrow(0, 0, 1), x.narrow(0, 0, 1)); }) ==
        "g2d: analysis::linear_cka: expected at least 2 samples, got 1");
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::principal_components(x, 4); }) ==
        "g2d: analysis::principal_components: expected 1 to 3 components of [5, 3] features, got 4");
  CHECK(thrown<g2d::ShapeError>([&] {
          (void)analysis::principal_components(x, 2).project(torch::zeros({5, 2}));
        }) == "g2d: analysis::PrincipalComponents: features: expected [B, 3], got [5, 2]");
}

TEST_CASE("analysis::principal_components: orthonormal, complete, signs fixed, and others can be put into them",
          "[analysis][components]") {
  Random random(6);
  const auto x = random.normal({20, 5}) * torch::tensor({5.0, 3.0, 2.0, 1.0, 0.5}, at::kDouble);
  const auto all = analysis::principal_components(x, 5);
  CHECK(gap(all.directions.mm(all.directions.t()), torch::eye(5, at::kDouble)) < 1e-12);
  CHECK(all.explained.sum().item<double>() == Approx(1.0));
  CHECK((all.explained.diff() <= 0).all().item<bool>());
  CHECK(gap(all.project(x).mm(all.directions) + all.mean, x) < 1e-12);
  CHECK(gap(analysis::principal_components(-x, 5).directions, all.directions) < 1e-12);
  const auto other = random.normal({3, 5});
  CHECK(gap(analysis::principal_components(x, 2).project(other),
            (other - x.mean(0)).mm(all.directions.narrow(0, 0, 2).t())) < 1e-12);
}

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
  CHECK(thrown<g2d::ShapeError>([&] {
          probe({torch::zeros({8, 2}), good.target});
        }) == "g2d: analysis::linear_probe: features: expected [8, 2], got [8, 3]");
  CHECK(thrown<g2d::ShapeError>([&] {
          probe({good.features.narrow(0, 0, 1), good.target.narrow(0, 0, 1)});
        }) == "g2d: analysis::linear_probe: expected at least 2 training samples, got 1");
  CHECK(thrown<g2d::DataError>([&] {
          probe({torch::full({8, 3}, missing), good.target});
        }) == "g2d: analysis::linear_probe: expected finite features, got NaN or infinity");
  CHECK(thrown<g2d::DataError>([&] {
          probe({good.features, good.target + 1});
        }) == "g2d: task::Classification: expected labels in [0, 2), got 2");
}

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
  CHECK(thrown<g2d::ConfigError>([&] {
          (void)analysis::subset_game({{{"rmse", 1.0, false}}});
        }) == "g2d: analysis::subset_game: expected a metric of which more is better, got none");
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

TEST_CASE("analysis: every module's mode is put back, no graph is left, and norm statistics stay", "[analysis]") {
  torch::manual_seed(3);
  const auto student = g2d_test::make_student(
      {std::make_shared<g2d_test::NormDropout>(4), std::make_shared<g2d_test::NormDropout>(4)}, 3);
  module_of<g2d_test::NormDropout>(*student, 1).norm->eval();
  const auto before = modes(*student);
  const auto buffers = torch::cat({module_of<g2d_test::NormDropout>(*student, 0).norm->running_mean.clone(),
                                   module_of<g2d_test::NormDropout>(*student, 1).norm->running_mean.clone()});
  const auto dataset = samples(12, 2);
  const auto features = analysis::collect_features(*student, dataset, 5);
  CHECK_FALSE(features.encoded[0].requires_grad());
  CHECK(modes(*student) == before);
  CHECK(analysis::collect_features(*student, dataset, 12).encoded[0].allclose(features.encoded[0]));
  (void)analysis::evaluate_subsets(*student, dataset, Task());
  CHECK(modes(*student) == before);
  const std::vector<double> levels{0.5};
  (void)analysis::evaluate_under_noise(*student, dataset, Task(), 0, levels);
  CHECK(modes(*student) == before);
  CHECK(torch::cat({module_of<g2d_test::NormDropout>(*student, 0).norm->running_mean,
                    module_of<g2d_test::NormDropout>(*student, 1).norm->running_mean})
            .equal(buffers));
}

TEST_CASE("analysis::collect_features: what the fusion hands on, datasets without ids, other modalities refused",
          "[analysis][features]") {
  torch::manual_seed(4);
  const auto student = g2d_test::make_student(g2d_test::tanh_encoders({4, 4}, {3, 5}), 3, "gated");
  const auto dataset = samples(10, 2);
  const auto features = analysis::collect_features(*student, WithoutIds{dataset}, 4);
  CHECK_FALSE(features.sample_ids.defined());
  CHECK_FALSE(features.present.defined());
  CHECK(features.labelled(1).features.equal(features.encoded[1]));
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK(features.encoded[m].size(1) == student->encoder(m).feature_width());
    CHECK(features.handed_on[m].size(1) == student->handed_on_width(m));
  }
  const torch::NoGradGuard no_grad;
  const auto expected = student->fuse(student->encode(dataset.all().inputs)).features;
  CHECK(features.handed_on[1].allclose(expected[1]));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::collect_features(*student, samples(5, 3)); }) ==
        "g2d: analysis: expected a dataset of the model's modalities (audio, image), got (audio, image, text)");
}

TEST_CASE("analysis::collect_features: a dataset that lacks nothing, joined to one that lacks something", "[analysis][features]") {
  const auto student = g2d_test::make_student(g2d_test::tanh_encoders({4, 4}, {3, 3}), 3);
  const auto whole = samples(10, 2);
  const auto present = torch::arange(12).view({6, 2}).remainder(5).ne(1);
  const auto ids = torch::arange(500, 506);
  const g2d::data::InMemory holed(whole.names(), samples(6, 2).all().inputs, samples(6, 2).targets(), ids, present);
  const auto features = analysis::collect_features(*student, g2d::data::Concatenation<g2d::data::InMemory>({whole, holed}), 5);
  CHECK(features.present.equal(torch::cat({torch::ones({10, 2}, at::kBool), present})));
  for (std::size_t m = 0; m < 2; ++m) {
    const auto has = features.present.select(1, static_cast<std::int64_t>(m));
    CHECK(features.labelled(m).features.equal(features.encoded[m].index({has})));
    CHECK(features.labelled(m).target.equal(features.target.index({has})));
  }
}

TEST_CASE("analysis: a student that is its teachers is aligned with them, over the samples that have the modality",
          "[analysis][features][alignment]") {
  torch::manual_seed(5);
  const auto encoders = g2d_test::tanh_encoders({4, 4}, {3, 3});
  const auto student = g2d_test::make_student(encoders, 3);
  std::vector<g2d::Teacher> all;
  for (std::size_t m = 0; m < 2; ++m) {
    all.push_back(g2d::Teacher::of(g2d::make_unimodal_model(g2d_test::names(2)[m], encoders[m], 3)));
  }
  const g2d::Teachers teachers(g2d_test::names(2), all);
  const auto present = torch::rand({20, 2}) < 0.7;
  const auto complete = samples(20, 2);
  auto inputs = complete.all().inputs;
  inputs[0].values = inputs[0].values.masked_fill(present.select(1, 0).logical_not().unsqueeze(1), missing);
  const g2d::data::InMemory dataset(complete.names(), inputs, complete.targets(), {}, present);

  const auto own = analysis::collect_features(*student, dataset, 8);
  const auto theirs = analysis::collect_features(teachers, dataset, 6);
  CHECK(theirs.handed_on[0].equal(theirs.encoded[0]));
  CHECK_FALSE(theirs.encoded[0].requires_grad());
  CHECK_FALSE(theirs.encoded[0].allclose(own.encoded[0]));  // where a sample lacks the modality
  for (const auto& alignment : analysis::alignment(own, theirs)) {
    CHECK(alignment.linear_cka == Approx(1.0));
    REQUIRE(alignment.mean_cosine);
    CHECK(*alignment.mean_cosine == Approx(1.0));
    CHECK(alignment.procrustes == Approx(0.0).margin(1e-6));
  }
  const auto other = analysis::collect_features(*student, dataset.subset(torch::arange(19, -1, -1)));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::alignment(other, theirs); }) ==
        "g2d: analysis::alignment: expected features of the same samples in the same order, got others; collect both "
        "from "
        "one dataset");
  const auto one = analysis::collect_features(*recorder_student(1), samples(20, 1));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::alignment(one, theirs); }) ==
        "g2d: analysis::alignment: expected a teacher for each of 1 modalities, got 2");
}

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
  CHECK(thrown<g2d::ConfigError>([&] {
          noise(0, {1.0, -0.5});
        }) == "g2d: analysis::evaluate_under_noise: expected finite levels >= 0, got -0.5");
  CHECK(thrown<g2d::ConfigError>([&] { noise(0, {missing}); }) ==
        "g2d: analysis::evaluate_under_noise: expected finite levels >= 0, got nan");
  const g2d::data::InMemory words(g2d_test::names(2), {torch::ones({4, 4}, at::kLong), torch::ones({4, 4})},
                                  torch::tensor({0, 1, 2, 0}));
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::evaluate_under_noise(*student, words, Task(), 0, good); }) ==
        "g2d: analysis::evaluate_under_noise: modality \"audio\": expected floating inputs, got Long");
}
