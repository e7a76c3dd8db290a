// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// AGM over several steps, against golden numbers that make_golden_gradients.py computed in NumPy.

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <g2d/fusion/any.hpp>
#include <g2d/method/agm.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

#include "method/golden_gradients.hpp"
#include "support/random_case.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::task::Classification;
namespace method = g2d::method;

using AgmMethod = method::Stack<method::Supervised<Classification>, method::Agm<Classification>>;
using AgmStep = g2d::Step<g2d::AnyStudent, AgmMethod>;

AgmMethod agm(method::AgmOptions options) {
  return AgmMethod(method::Supervised<Classification>(), method::Agm<Classification>(options));
}

}  // namespace

TEST_CASE("method::Agm: three steps equal NumPy's, coefficients and history too", "[method][golden]") {
  for (const auto& expected : golden()["agm"]) {
    const auto student = golden_student(expected, "late", "auto");
    AgmStep step(*student, agm({.strength = expected["alpha"].get<double>(), .cap = expected["cap"].get<double>()}),
                 {.optimizer = golden_sgd});
    for (std::size_t t = 0; t < expected["inputs"].size(); ++t) {
      step(batch_of(expected["inputs"][t], expected["labels"][t]));
      CHECK(close(step.method().get<1>().coefficients(), expected["coefficients"][t]));
      CHECK(close(step.method().get<1>().history(), expected["history"][t]));
    }
    check_final(*student, expected);
  }
}

TEST_CASE("method::Agm: responses of any set function add up to its value for all", "[method]") {
  for (const std::size_t modalities : {2U, 3U, 4U}) {
    std::vector<at::Tensor> outputs(std::size_t{1} << modalities);
    Random random(modalities);
    for (std::size_t set = 1; set < outputs.size(); ++set) outputs[set] = random.normal({3, 2});
    auto sum = at::zeros({3, 2}, at::kDouble);
    for (const auto& response : method::agm_responses(outputs)) sum = sum + response;
    CHECK(at::allclose(sum, outputs.back()));
  }
}

TEST_CASE("method::Agm: the output is the fusion's, and with coefficients of 1 the step is joint training's",
          "[method]") {
  for (const auto fusion : g2d::fusion::choices) {
    for (const auto mask : {method::AgmMask::ZeroFeatures, method::AgmMask::ZeroInputs}) {
      for (const std::size_t modalities : {2U, 3U}) {
        INFO(fmt::format("{} {} {}", fusion, mask == method::AgmMask::ZeroInputs, modalities));
        const auto plain = double_student(fusion, modalities);
        const auto modulated = double_student(fusion, modalities);
        AnyStep plain_step(*plain, method::Supervised<Classification>(), {.optimizer = golden_sgd});
        AnyStep step(*modulated, agm({.strength = 0.0, .mask = mask}), {.optimizer = golden_sgd});
        const auto batch = random_batch(1, modalities);
        CHECK(step(batch).fused.equal(plain_step(batch).fused));
        for (std::size_t i = 0; i < plain->parameters().size(); ++i) {
          CHECK(at::allclose(modulated->parameters()[i], plain->parameters()[i], 1e-8, 1e-10));
        }
      }
    }
  }
}

TEST_CASE("method::Agm: a coefficient of 0 stops an additive modality, and zero inputs let its biases learn",
          "[method]") {
  for (const auto mask : {method::AgmMask::ZeroFeatures, method::AgmMask::ZeroInputs}) {
    const auto student = double_student("sum");
    AgmStep step(*student, agm({.strength = 1e9, .cap = 0.0, .mask = mask}), {.optimizer = golden_sgd});
    const auto before = snapshot(*student);
    step(random_batch(2));
    const auto coefficients = step.method().get<1>().coefficients();
    REQUIRE(coefficients.sum().item<double>() == 1.0);
    const auto ahead = names(2)[static_cast<std::size_t>(coefficients.argmin().item<std::int64_t>())];
    std::size_t moved_weights = 0, moved_biases = 0;
    for (const auto& name : changed(before, *student)) {
      if (name.find("encoders." + ahead) == std::string::npos) continue;
      ++(name.find("weight") != std::string::npos ? moved_weights : moved_biases);
    }
    CHECK(moved_weights == 0);
    CHECK(moved_biases == (mask == method::AgmMask::ZeroInputs ? 1 : 0));
  }
}

TEST_CASE("method::Agm: official masked passes leave norm statistics, dropout and frozen encoders alone", "[method]") {
  struct FreezesSecond {
    bool* freezes;
    void control_batch(const method::StepContext& /*context*/, method::Controls& controls) {
      if (*freezes) controls[1].frozen = true;
    }
  };
  const auto plain = norm_dropout_student(4);
  const auto student = norm_dropout_student(4);
  plain->train();
  student->train();
  bool freezes = false;
  AnyStep plain_step(*plain, method::Supervised<Classification>(), {.optimizer = golden_sgd});
  AnyStep step(*student,
               method::Stack(method::Supervised<Classification>(), method::Agm<Classification>(method::official_agm()),
                             FreezesSecond{&freezes}),
               {.optimizer = golden_sgd});
  const auto batch = blobs(12, 1).batch(torch::arange(12));
  torch::manual_seed(5);
  const auto expected = plain_step(batch).fused;
  torch::manual_seed(5);
  CHECK(step(batch).fused.equal(expected));
  for (std::size_t m = 0; m < 2; ++m) {
    const auto buffers = norm_dropout(*student, m).buffers();
    for (std::size_t i = 0; i < buffers.size(); ++i) CHECK(buffers[i].equal(norm_dropout(*plain, m).buffers()[i]));
    CHECK(norm_dropout(*student, m).dropout->is_training());
  }
  CHECK(step.work().forwards == g2d::PerModality<std::int64_t>{36, 36});

  freezes = true;
  const auto before = snapshot(*student);
  step(batch);
  for (const auto& name : changed(before, *student)) {
    if (name.find("encoders." + names(2)[1]) != std::string::npos) CHECK_THAT(name, Contains("norm."));
    CHECK(name.find("encoders." + names(2)[1] + ".norm.weight") == std::string::npos);
  }
}

TEST_CASE("method::Agm: a batch that is not finite does not enter the history", "[method]") {
  const auto run = [](bool with_bad) {
    const auto student = double_student("gated");
    AgmStep step(*student, agm({}), {.optimizer = golden_sgd});
    step(random_batch(1));
    if (with_bad) {
      auto bad = random_batch(2);
      bad.inputs[0].values[1][0] = std::nan("");
      CHECK(step(bad).is_skipped.item<bool>());
    }
    step(random_batch(3));
    return bytes(step.method().get<1>().coefficients()) + bytes(step.method().get<1>().history());
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("method::Agm: samples that lack a modality do not count in its score, whatever stands in their place",
          "[method]") {
  for (const auto mask : {method::AgmMask::ZeroFeatures, method::AgmMask::ZeroInputs}) {
    const auto student = double_student("late");
    const auto other = double_student("late");
    AgmStep step(*student, agm({.mask = mask}), {.optimizer = golden_sgd});
    auto batch = random_batch(4);
    batch.present = torch::ones({6, 2}, torch::kBool);
    batch.present[2][0] = false;
    batch.inputs[0].values[2].fill_(std::nan(""));
    const auto features = other->encode(batch.inputs, batch.present);
    const bool encodes = mask == method::AgmMask::ZeroInputs;
    const auto hidden = [&](std::size_t m) {
      return encodes ? other->encode(m, {torch::zeros({6, 5}, torch::kDouble)}) : torch::zeros_like(features[m]);
    };
    const std::vector<at::Tensor> outputs{{},
                                          other->fuse(std::vector<at::Tensor>{features[0], hidden(1)}).logits,
                                          other->fuse(std::vector<at::Tensor>{hidden(0), features[1]}).logits,
                                          other->fuse(features).logits};
    const auto log_probability =
        torch::log_softmax(method::agm_responses(outputs)[0], 1).gather(1, batch.target.unsqueeze(1)).squeeze(1);
    const auto rows = torch::tensor({0, 1, 3, 4, 5});
    CHECK_FALSE(step(batch).is_skipped.item<bool>());
    for (const auto& parameter : student->parameters()) CHECK(parameter.isfinite().all().item<bool>());
    CHECK(step.method().get<1>().history()[0].item<double>() ==
          Approx(-log_probability.index_select(0, rows).mean().item<double>()));
  }
}

TEST_CASE("method::Agm: a modality that a whole batch lacks neither damps the other nor enters its own history",
          "[method]") {
  const auto student = double_student("late");
  AgmStep step(*student, agm({}), {.optimizer = golden_sgd});
  auto batch = random_batch(4);
  batch.present = torch::ones({6, 2}, torch::kBool);
  batch.present.select(1, 0).fill_(false);
  step(batch);
  const auto& method = step.method().get<1>();
  CHECK(torch::equal(method.coefficients(), torch::ones({2}, torch::kDouble)));  // Nobody is ahead, now or before.
  CHECK(method.history()[0].item<double>() == 0.0);
  CHECK(method.history()[1].item<double>() > 0.0);
  step(batch);
  CHECK(torch::equal(method.coefficients(), torch::ones({2}, torch::kDouble)));
  const auto before = method.history()[0].item<double>();
  step(random_batch(5));
  CHECK(method.history()[0].item<double>() != before);
}

TEST_CASE("method::Agm: officially all gradients are clipped when one of a head's weights is beyond the bound",
          "[method]") {
  const auto clipped = [](double head_entry, double bound) {
    const auto make = [](double value, at::IntArrayRef sizes) {
      auto parameter = torch::zeros(sizes, torch::kDouble).requires_grad_();
      parameter.mutable_grad() = torch::full(sizes, value, torch::kDouble);
      return parameter;
    };
    using Role = g2d::ParameterGroup::Role;
    const std::vector<g2d::ParameterGroup> groups{
        {"encoder", Role::Encoder, {0}, {make(3.0, {2, 2})}},
        {"head", Role::Head, {0}, {make(head_entry, {1, 2}), make(7.0, {1})}}};
    const auto all = names(2);
    method::GradientView view(groups, all);
    method::Agm<Classification> agm(method::official_agm(1.0, bound));
    const g2d::Batch batch;
    const at::NoGradGuard no_grad;
    agm.gradients({0, 0, batch}, {}, view);
    return std::vector<double>{groups[0].parameters[0].grad()[0][0].item<double>(),
                               groups[1].parameters[0].grad()[0][0].item<double>(),
                               groups[1].parameters[1].grad()[0].item<double>()};
  };
  CHECK(clipped(0.9, 1.0) == std::vector<double>{3.0, 0.9, 7.0});
  const auto small = clipped(-2.0, 1.0);
  const double norm = std::sqrt(4 * 9.0 + 2 * 4.0 + 49.0);
  CHECK(small[0] == Approx(3.0 / norm));
  CHECK(small[1] == Approx(-2.0 / norm));
  CHECK(small[2] == Approx(7.0 / norm));
  CHECK(clipped(-2.0, 5.0) == std::vector<double>{3.0, -2.0, 7.0});
}

TEST_CASE("method::Agm: options out of range are refused, and a single modality", "[method]") {
  CHECK_THAT(thrown<g2d::ConfigError>([] { agm({.strength = -1.0}); }),
             Contains("method::Agm: expected strength >= 0, got -1"));
  CHECK_THAT(thrown<g2d::ConfigError>([] { agm({.cap = -1.0}); }), Contains("expected cap >= 0"));
  CHECK_THAT(thrown<g2d::ConfigError>([] { agm({.clip_bound = 0.0}); }), Contains("expected clip_bound > 0"));
  const auto student = double_student("late", 1);
  CHECK(thrown<g2d::ConfigError>([&] { AgmStep(*student, agm({})); }) ==
        "g2d: method::Agm: expected at least 2 modalities, got only \"audio\"; there is nothing to balance, train with "
        "method::JointTraining");
}
