// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// MLA as Step and Trainer run it.

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/method/mla.hpp>

#include "method/step_case.hpp"
#include "support/check_report.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using g2d::check::compare;
using g2d::task::Classification;
namespace method = g2d::method;
using Mla = method::Mla<Classification>;

/// MLA by hand: plain tensors, plain SGD.
struct MlaByHand {
  std::vector<at::Tensor> weights, biases;
  at::Tensor head, head_bias, projection = torch::eye(width, torch::kDouble);
  bool has_begun = false;

  explicit MlaByHand(const g2d::AnyStudent& student) {
    const auto copy = [](const at::Tensor& tensor) { return tensor.detach().clone().requires_grad_(); };
    for (std::size_t m = 0; m < student.num_modalities(); ++m) {
      const auto own = student.encoder(m).module()->parameters();
      weights.push_back(copy(own[0]));
      biases.push_back(copy(own[1]));
    }
    head = copy(parameter(student, "fusion.output.weight"));
    head_bias = copy(parameter(student, "fusion.output.bias"));
  }

  void step(const g2d::Batch& samples, double alpha) {
    for (std::size_t m = 0; m < weights.size(); ++m) {
      const auto features = torch::linear(samples.inputs[m].values, weights[m], biases[m]).tanh();
      const auto loss = torch::nn::functional::cross_entropy(torch::linear(features, head, head_bias), samples.target);
      const auto gradients = torch::autograd::grad({loss}, {weights[m], biases[m], head, head_bias});
      auto of_head = gradients[2];
      if (std::exchange(has_begun, true)) {
        const auto r = features.detach().mean(0).unsqueeze(1);
        const auto k = projection.mm(r);
        projection = projection - k.mm(k.t()) / (alpha + r.t().mm(k).item<double>());
        of_head = of_head.mm(projection.t());
      }
      const at::NoGradGuard no_grad;
      weights[m].sub_(gradients[0], plain_sgd.learning_rate);
      biases[m].sub_(gradients[1], plain_sgd.learning_rate);
      head.sub_(of_head, plain_sgd.learning_rate);
      head_bias.sub_(gradients[3], plain_sgd.learning_rate);
    }
  }
};

}  // namespace

TEST_CASE("method::Mla: a step is the step written by hand, modality after modality", "[method][mla]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const auto student = student_with("shared-head", modalities);
    MlaByHand by_hand(*student);
    AnyStep step(*student, Mla(), {.optimizer = plain_sgd, .num_epochs = 2});
    // In the first epoch nobody knows how long it is; from then on alpha falls from 0.1 to 0.01 within each.
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      step.begin_epoch(epoch);
      for (std::int64_t i = 0; i < 4; ++i) {
        const auto samples = batch(static_cast<std::uint64_t>(10 * epoch + i), modalities);
        step(samples);
        by_hand.step(samples, std::pow(0.1, epoch == 0 ? 1.0 : 1.0 + static_cast<double>(i) / 4.0));
      }
    }
    CHECK_REPORT(compare(parameter(*student, "fusion.output.weight"), by_hand.head, "head", 1e-9));
    CHECK_REPORT(compare(parameter(*student, "fusion.output.bias"), by_hand.head_bias, "bias", 1e-9));
    for (std::size_t m = 0; m < modalities; ++m) {
      CHECK_REPORT(compare(student->encoder(m).module()->parameters()[0], by_hand.weights[m], "encoder", 1e-9));
      CHECK(step.work().forwards[m] == 12 * batch_size);
      CHECK(step.work().backwards[m] == 12 * batch_size);
    }
    CHECK(step.work().updates == 12 * static_cast<std::int64_t>(modalities));
  }
}

TEST_CASE("method::Mla: keeps learning over many epochs in single precision", "[method][mla]") {
  const g2d::optimizer::Sgd authors_sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-4};
  for (const bool normalizes : {false, true}) {
    const auto student = student_with("shared-head", 2, at::kFloat);
    auto trainer = make_trainer(*student, Mla({.normalizes = normalizes}),
                                {.optimizer = authors_sgd, .num_epochs = 200, .batch_size = 8});
    const auto history = trainer.fit(blobs(32, 1), blobs(12, 2));
    for (const auto& epoch : history.epochs) CHECK(epoch.num_skipped == 0);
    CHECK(history.epochs.back().losses[0].second < 0.5 * history.epochs.front().losses[0].second);
    CHECK(history.epochs.back().validation.score() > 0.8);
  }
}

TEST_CASE("method::Mla: absent samples do not enter the projection", "[method][mla]") {
  const auto student = student_with("shared-head");
  g2d::Step<g2d::AnyStudent, Mla> step(*student, Mla(), {.optimizer = plain_sgd});
  step(batch(1));
  const auto samples = batch_with_gaps(2);
  const auto there = samples.inputs[0].values.index_select(0, torch::tensor({0, 2, 3, 5}));
  const auto expected =
      method::mla_projection(step.method().projection(), student->encode(0, g2d::Input{there}).mean(0).detach(), 0.1);
  std::vector<at::Tensor> projections;
  step.set_observer({.on_step = [&](const g2d::Observation&) { projections.push_back(step.method().projection()); }});
  step(samples);
  CHECK_REPORT(compare(projections.at(0), expected, "P", 1e-9));
}

TEST_CASE("method::Mla: a bad batch leaves the projection as it was, and the next one is learnt", "[method][mla]") {
  const auto student = student_with("shared-head");
  g2d::Step<g2d::AnyStudent, Mla> step(*student, Mla(), {.optimizer = plain_sgd});
  step(batch(1));
  auto bad = batch(2);
  bad.inputs[0].values[0][0] = not_a_number;
  bad.inputs[1].values[0][0] = not_a_number;
  const auto projection = step.method().projection().clone();
  CHECK(step(bad).is_skipped.item<bool>());
  CHECK(step.method().projection().equal(projection));
  const auto before = snapshot(*student);
  CHECK_FALSE(step(batch(3)).is_skipped.item<bool>());
  CHECK(changed(before, *student).size() == before.size());
}

TEST_CASE("method::Mla: a step that is refused does not make the epoch longer", "[method][mla]") {
  const auto head_after = [](bool is_refused_once) {
    const auto student = student_with("shared-head");
    AnyStep step(*student, Mla(), {.optimizer = plain_sgd, .num_epochs = 2});
    for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
      step.begin_epoch(epoch);
      for (std::uint64_t i = 0; i < 2; ++i) {
        step(batch(i));
        if (!is_refused_once || epoch > 0 || i > 0) continue;
        auto bad = batch(9);
        bad.target = torch::full_like(bad.target, 77);
        CHECK_FALSE(thrown<g2d::DataError>([&] { step(bad); }).empty());
      }
    }
    return parameter(*student, "fusion.output.weight").detach().clone();
  };
  CHECK(head_after(true).equal(head_after(false)));
}

TEST_CASE("method::Mla: the official projection is another one", "[method][mla]") {
  const auto after = [](const method::MlaOptions& options) {
    const auto student = student_with("shared-head");
    AnyStep step(*student, Mla(options), {.optimizer = plain_sgd});
    step(batch(1));
    return parameter(*student, "fusion.output.weight").detach().clone();
  };
  const auto own = after({});
  CHECK_FALSE(own.equal(after({.denominator = method::MlaDenominator::Elementwise})));
  CHECK_FALSE(own.equal(after({.normalizes = true})));
  CHECK_FALSE(own.equal(after(method::official_mla())));
}

TEST_CASE("method::Mla: what it cannot train is refused", "[method][mla]") {
  const auto late = student_with("late");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*late, Mla(), {}); }) ==
        "g2d: method::Mla: expected a student with fusion::SharedHead, got another fusion; MLA trains one head for all "
        "modalities");
  CHECK(thrown<g2d::ConfigError>([] { Mla({.decay = 1.0}); }) == "g2d: method::Mla: expected decay in (0, 1), got 1");
}
