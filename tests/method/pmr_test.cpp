// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// PMR over several epochs, against golden numbers that make_golden_gradients.py computed in NumPy.

#include <torch/torch.h>

#include <cstddef>
#include <nlohmann/json.hpp>

#include <g2d/method/pmr.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

#include "method/golden_gradients.hpp"
#include "support/random_case.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::task::Classification;
using nlohmann::json;
namespace method = g2d::method;

g2d::PerModality<at::Tensor> tensors_of(const json& values) {
  g2d::PerModality<at::Tensor> tensors;
  for (const auto& value : values) tensors.push_back(tensor_of(value));
  return tensors;
}

}  // namespace

TEST_CASE("method::Pmr: prototypes of four epochs, terms and gradients equal NumPy's", "[method][golden]") {
  for (const auto kind : {method::PmrWeights::Soft, method::PmrWeights::Hard}) {
    const auto& expected = golden()["pmr"][kind == method::PmrWeights::Soft ? "soft" : "hard"];
    const double alpha = expected["alpha"].get<double>();
    method::Pmr<Classification> pmr({.weight = alpha, .momentum = expected["momentum"].get<double>(), .weights = kind});
    pmr.begin({names(3), {3, 2, 4}, num_outputs, 10});
    ShownRun run;
    for (const auto& table : expected["tables"]) {
      run.table = {
          tensors_of(table["features"]), tensor_of(table["labels"]).to(at::kLong), {}, tensor_of(table["present"])};
      pmr.prepare(run);
      ++run.next;
    }
    for (std::size_t m = 0; m < 3; ++m) {
      CHECK(close(pmr.prototypes(m).means, expected["prototypes"][m]));
      CHECK(pmr.prototypes(m).is_known.equal(tensor_of(expected["known"][m])));
    }
    g2d::Batch batch;
    batch.target = tensor_of(expected["labels"]).to(at::kLong);
    batch.present = tensor_of(expected["present"]);
    method::Outputs outputs;
    outputs.encoded = tensors_of(expected["features"]);
    for (auto& features : outputs.encoded) features.requires_grad_();
    method::Terms terms;
    pmr.loss({4, 0, batch}, outputs, terms);
    REQUIRE(terms.size() == 3);
    for (std::size_t m = 0; m < 3; ++m) {
      CHECK(terms[m].modality == m);
      CHECK(terms[m].weight == alpha);
      CHECK(terms[m].value.item<double>() == Approx(expected["terms"][m].get<double>()));
    }
    method::total(terms).backward();
    for (std::size_t m = 0; m < 3; ++m) CHECK(close(outputs.encoded[m].grad(), expected["gradients"][m]));
  }
}

namespace {

/// Two modalities that say the same of every sample, and one batch of labels 0, 1, 2, 0, ...
struct Alike {
  static constexpr std::int64_t rows = 10;

  explicit Alike(method::PmrOptions options = {}, Classification task = Classification())
      : pmr(options, std::move(task)) {
    pmr.begin({names(2), {2, 2}, num_outputs, 10});
    const auto centres = torch::tensor({{1.0, 2.0}, {-1.0, 0.5}, {0.0, -2.0}, {3.0, 0.0}}, torch::kDouble);
    ShownRun run;
    run.table = {{centres, centres}, torch::arange(4), {}, {}};
    pmr.prepare(run);
    labels = torch::arange(rows).remainder(4);
    // Equally far from their prototypes, so that any of them stand for all.
    features = torch::zeros({rows, 2}, torch::kDouble);
    present = torch::ones({rows, 2}, torch::kBool);
  }

  [[nodiscard]] std::vector<double> terms() {
    g2d::Batch batch;
    batch.target = labels;
    batch.present = present;
    method::Outputs outputs;
    outputs.encoded = {features, features_of_second.defined() ? features_of_second : features};
    method::Terms found;
    pmr.loss({0, 0, batch}, outputs, found);
    return {found[0].value.item<double>(), found[1].value.item<double>()};
  }

  method::Pmr<Classification> pmr;
  at::Tensor labels, features, features_of_second, present;
};

}  // namespace

TEST_CASE("method::Pmr: a modality that is often missing is not behind for that", "[method][presence]") {
  for (const auto kind : {method::PmrWeights::Soft, method::PmrWeights::Hard}) {
    for (const std::int64_t missing : {0, 3, 5, 7, 9, 10}) {
      INFO(missing << " of 10 are missing");
      Alike alike({.weights = kind});
      alike.labels = torch::zeros({Alike::rows}, torch::kLong);
      alike.present.select(1, 1).narrow(0, 0, missing).fill_(false);
      for (const double of_absent : {0.0, std::nan("")}) {
        alike.features_of_second = alike.features.clone();
        alike.features_of_second.narrow(0, 0, missing).fill_(of_absent);
        CHECK(alike.terms() == std::vector<double>{0.0, 0.0});
      }
    }
  }
}

TEST_CASE("method::Pmr: one sample is enough to tell who is behind", "[method][presence]") {
  Alike alike({.weights = method::PmrWeights::Hard});
  alike.features_of_second = alike.features + torch::tensor({-1.0, -2.0}, torch::kDouble);  // away from class 0
  alike.present.fill_(false);
  alike.present[0].fill_(true);
  const auto terms = alike.terms();
  CHECK(terms[0] == 0.0);
  CHECK(terms[1] > 0.0);
}

TEST_CASE("method::Pmr: class weights count samples as often as they say", "[method]") {
  const Classification weighted({.class_weights = torch::tensor({1.0, 3.0, 1.0, 1.0})});
  const auto terms = [](Alike alike, std::vector<std::int64_t> labels) {
    alike.labels = torch::tensor(labels);
    const auto rows = static_cast<std::int64_t>(labels.size());
    alike.features = torch::zeros({rows, 2}, torch::kDouble);
    alike.features_of_second = torch::tensor({-2.0, 1.0}, torch::kDouble).expand({rows, 2});
    alike.present = torch::ones({rows, 2}, torch::kBool);
    return alike.terms();
  };
  const method::PmrOptions hard{.weights = method::PmrWeights::Hard};
  const auto repeated = terms(Alike(hard), {0, 1, 1, 1, 3});
  const auto counted = terms(Alike(hard, weighted), {0, 1, 3});
  const auto plain = terms(Alike(hard), {0, 1, 3});
  REQUIRE(repeated[0] + repeated[1] > 0.0);
  for (std::size_t m = 0; m < 2; ++m) {
    if (repeated[m] > 0.0 && counted[m] > 0.0) CHECK(counted[m] == Approx(repeated[m]));
  }
  CHECK(counted != plain);
}

TEST_CASE("method::Pmr: features on a prototype, and classes without one, have finite gradients", "[method]") {
  method::Pmr<Classification> pmr({.weights = method::PmrWeights::Hard});
  pmr.begin({names(2), {2, 2}, num_outputs, 10});
  const auto on_it = torch::tensor({{1.0, 2.0}, {-1.0, 0.5}}, torch::kDouble);
  ShownRun run;
  run.table = {{on_it, on_it}, torch::tensor({0, 1}), {}, torch::tensor({{true, false}, {true, false}})};
  pmr.prepare(run);
  CHECK_FALSE(pmr.prototypes(1).is_known.any().item<bool>());
  g2d::Batch batch;
  batch.target = torch::tensor({0, 3});
  method::Outputs outputs;
  outputs.encoded = {on_it.clone().requires_grad_(), on_it.clone().requires_grad_()};
  method::Terms terms;
  pmr.loss({0, 0, batch}, outputs, terms);
  method::total(terms).backward();
  for (const auto& features : outputs.encoded) CHECK(features.grad().isfinite().all().item<bool>());
  CHECK(terms[1].value.item<double>() == 0.0);
}

TEST_CASE("method::Pmr: a sample that is not finite costs its step, and no prototype", "[method]") {
  torch::manual_seed(6);
  const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
  const auto samples = blobs(24, 1);
  const LazyDataset train{samples, poison(0, 5)};
  auto trainer = make_trainer(
      *student, method::Stack(method::Supervised<Classification>(), method::Pmr<Classification>({.share = 1.0})),
      {.num_epochs = 3, .batch_size = 6});
  const auto history = trainer.fit(train, blobs(12, 2));
  for (const auto& epoch : history.epochs) CHECK(epoch.num_skipped == 1);
}

TEST_CASE("method::Pmr: the official options and those out of range", "[method]") {
  CHECK(method::official_pmr().momentum == 0.0);
  CHECK(method::official_pmr().weights == method::PmrWeights::Hard);
  const auto refused = [](method::PmrOptions options) {
    return thrown<g2d::ConfigError>([&] { method::Pmr<Classification>{options}; });
  };
  CHECK_THAT(refused({.weight = -0.5}), Contains("g2d: method::Pmr: expected weight >= 0, got -0.5"));
  CHECK_THAT(refused({.momentum = 1.0}), Contains("expected momentum in [0, 1), got 1"));
  CHECK_THAT(refused({.share = 0.0}), Contains("expected share in (0, 1], got 0"));
}
