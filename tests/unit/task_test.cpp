// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Properties and gradients of every task in support/policy_lists.hpp, and what is done with confidences.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <type_traits>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>
#include <g2d/confidence/order.hpp>
#include <g2d/confidence/ratios.hpp>

#include "support/check_report.hpp"
#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "support/thrown.hpp"
#include "unit/policy_case.hpp"

namespace {

using namespace g2d_test;
using g2d::check::compare;

}  // namespace

TEST_CASE("task: gradients agree with finite differences and confidences lie in [0, 1]", "[task]") {
  for_each(Tasks(), []<class Task>(std::type_identity<Task>) {
    INFO(c10::demangle_type<Task>());
    const Task task;
    Random random(17);
    const auto output = random.normal({5, 4}).requires_grad_();
    const auto target = random.target(task.output_kind, 5, 4);
    CHECK_NOTHROW(task.check(4, target));
    CHECK_REPORT(g2d::check::gradient([&] { return task.loss(output, target); }, {output}));
    const auto confidence = task.confidence(output, target);
    CHECK(confidence.sizes() == at::IntArrayRef{5});
    CHECK_FALSE(confidence.requires_grad());
    CHECK(confidence.min().template item<double>() >= 0.0);
    CHECK(confidence.max().template item<double>() <= 1.0);
  });
}

TEST_CASE("task::Classification: class weights and label smoothing are LibTorch's", "[task]") {
  Random random(18);
  const auto output = random.normal({8, 4}).requires_grad_();
  const auto target = random.labels(8, 4);
  const auto weights = torch::tensor({0.5, 2.0, 1.0, 0.0});
  for (const double smoothing : {0.0, 0.1}) {
    for (const bool weighted : {false, true}) {
      INFO("smoothing " << smoothing << ", weighted " << weighted);
      const task::Classification task(
          {.class_weights = weighted ? weights : at::Tensor(), .label_smoothing = smoothing});
      auto options = torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(smoothing);
      if (weighted) options.weight(weights.to(torch::kDouble));
      const auto expected = torch::nn::functional::cross_entropy(output, target, options);
      CHECK(torch::equal(task.loss(output, target), expected));
      CHECK_REPORT(g2d::check::gradient([&] { return task.loss(output, target); }, {output}));
    }
  }
}

TEST_CASE("task: the loss is what the samples add to it over what they count", "[task]") {
  const auto check = [](const auto& task) {
    Random random(21);
    const auto output = random.normal({6, 4});
    const auto target = random.target(task.output_kind, 6, 4);
    const auto losses = task.sample_losses(output, target);
    const auto weights = task.sample_weights(output, target);
    CHECK(losses.sizes() == at::IntArrayRef{6});
    CHECK(weights.sizes() == at::IntArrayRef{6});
    CHECK_REPORT(compare(losses.sum() / weights.sum(), task.loss(output, target), "loss", rounding));
    const auto some = torch::tensor({0, 2, 5});
    CHECK_REPORT(compare(losses.index_select(0, some).sum() / weights.index_select(0, some).sum(),
                         task.loss(output.index_select(0, some), target.index_select(0, some)), "of some", rounding));
  };
  check(task::Classification());
  check(task::Classification({.class_weights = torch::tensor({0.5, 2.0, 1.0, 3.0}), .label_smoothing = 0.1}));
  check(task::Regression({.mean = torch::ones({4}), .deviation = torch::full({4}, 2.0)}));
  check(task::MultiLabel());
}

TEST_CASE("task::Classification: the confidence is the probability of the true class", "[task][confidence]") {
  const auto logits = torch::log(torch::tensor({{0.2, 0.8}, {0.9, 0.1}}, torch::kDouble));
  const auto confidence = task::Classification().confidence(logits, torch::tensor({1, 1}));
  CHECK_REPORT(compare(confidence, torch::tensor({0.8, 0.1}, torch::kDouble), "confidence", rounding));
}

TEST_CASE("task::MultiLabel: the confidence is the mean probability of the true bits", "[task][confidence]") {
  const auto probability = torch::tensor({{0.2, 0.9}}, torch::kDouble);
  const auto confidence =
      task::MultiLabel().confidence(torch::logit(probability), torch::tensor({{0.0, 1.0}}, torch::kDouble));
  CHECK(value(confidence) == Approx(0.85));
}

TEST_CASE("task::Regression: standardised targets are those that the loss sees", "[task]") {
  Random random(19);
  const auto targets = 5.0 + 3.0 * random.normal({50, 2});
  const auto task = task::Regression::standardized(targets);
  const auto seen = (targets - targets.mean(0)) / targets.std(0, false);
  const auto output = random.normal({50, 2});
  CHECK_REPORT(compare(task.loss(output, targets), torch::mse_loss(output, seen), "loss", rounding));
  CHECK_REPORT(compare(task.in_target_unit(seen), targets, "in the target's unit", 1e-10));
  CHECK(value(task.loss(torch::zeros({50, 2}, torch::kDouble), targets)) == Approx(1.0));
  const auto confidence = task.confidence(output, targets);
  CHECK_REPORT(compare(confidence, ((output - seen).square().mean(1) * -0.5).exp(), "confidence", rounding));

  const auto one_of_two = torch::stack({targets.select(1, 0), torch::full({50}, 0.1, torch::kDouble)}, 1);
  const auto half = task::Regression::standardized(one_of_two);
  CHECK(half.options().target_variance == 0.5);
  CHECK(value(half.loss(torch::zeros({50, 2}, torch::kDouble), one_of_two)) == Approx(0.5));  // What the loss sees.
  const auto rounded = task::Regression::standardized(one_of_two.to(torch::kFloat));
  CHECK(rounded.options().target_variance == 0.5);
  CHECK(rounded.options().deviation[1].item<double>() == 1.0);

  const auto constant = task::Regression::standardized(torch::full({10, 1}, 4.0, torch::kDouble));
  CHECK(std::isfinite(
      value(constant.loss(torch::ones({1, 1}, torch::kDouble), torch::full({1, 1}, 4.0, torch::kDouble)))));
}

TEST_CASE("confidence: orders are ascending, equal ones as declared; ratios compare with the mean of the others",
          "[confidence]") {
  const g2d::PerModality<double> confidences{0.5, 0.2, 0.5, 0.1};
  const auto order = g2d::confidence::weak_to_strong(confidences);
  CHECK(std::vector<std::size_t>(order.begin(), order.end()) == std::vector<std::size_t>{3, 1, 0, 2});
  CHECK(thrown<g2d::ConfigError>([] {
          (void)g2d::confidence::weak_to_strong(g2d::PerModality<double>{0.5, std::nan("")});
        }) == "g2d: confidence::weak_to_strong: modality 2 of 2: expected a number, got nan");
  const auto ratios = g2d::confidence::ratios(torch::tensor({0.6, 0.3, 0.1}, torch::kDouble));
  CHECK_REPORT(compare(ratios, torch::tensor({0.6 / 0.2, 0.3 / 0.35, 0.1 / 0.45}, torch::kDouble), "ratios", rounding));
  CHECK(value(g2d::confidence::ratios(torch::tensor({0.6}))) == 1.0);
}
