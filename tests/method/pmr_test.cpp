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
