// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/distillation/any.hpp>
#include <g2d/reference/finite_difference.hpp>
#include <g2d/reference/fusion/any.hpp>
#include <g2d/reference/method/g2d.hpp>
#include <g2d/reference/task/classification.hpp>
#include <g2d/reference/train/step.hpp>

#include <variant>
#include <vector>

#include "fusion_cases.hpp"
#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

using Method = method::G2d<task::Classification, distillation::Any, distillation::Any>;
using Student = train::Student<fusion::Any>;
using Batch = train::Batch<Labels>;

const Method g2d_loss{{}, {distillation::Cosine{}}, {distillation::Kl{2.0}}, 0.5, 0.25};

Student make_student(const g2d_test::FusionCase& fusion_case, g2d_test::Random& random) {
  Student student{{}, fusion_case.fusion};
  for (const Eigen::Index width : fusion_case.widths) student.encoders.push_back({random.linear(3, width)});
  return student;
}

Batch make_batch(const Student& student, g2d_test::Random& random) {
  Batch batch{random.matrices(4, std::vector<Eigen::Index>(student.encoders.size(), 3)), random.labels(4, 3), {}};
  for (const Matrix& handed_on : student.forward(batch.inputs).features) {
    batch.teachers.features.push_back(random.matrix(4, handed_on.cols()));
    batch.teachers.logits.push_back(random.matrix(4, 3));
  }
  return batch;
}

bool identical(const Linear& a, const Linear& b) { return a.weight == b.weight && a.bias == b.bias; }

}  // namespace

TEST_CASE("train::Sgd: follows the formula with momentum and weight decay", "[reference][train]") {
  Linear layer{Matrix::Constant(1, 1, 2.0), RowVector::Constant(1, -1.0)};
  Linear velocity{Matrix::Zero(1, 1), RowVector::Zero(1)};
  const Linear gradient{Matrix::Constant(1, 1, 0.5), RowVector::Constant(1, 1.0)};
  const train::Sgd sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01};

  sgd.update(layer, velocity, gradient);
  CHECK(velocity.weight(0) == Approx(0.5 + 0.02));
  CHECK(layer.weight(0) == Approx(2.0 - 0.1 * 0.52));
  CHECK(layer.bias(0) == Approx(-1.0 - 0.1 * 0.99));

  sgd.update(layer, velocity, gradient);
  CHECK(velocity.weight(0) == Approx(0.9 * 0.52 + 0.5 + 0.01 * 1.948));
  CHECK(layer.weight(0) == Approx(1.948 - 0.1 * (0.9 * 0.52 + 0.5 + 0.01 * 1.948)));
}

TEST_CASE("train::Student: the whole gradient agrees with finite differences for every fusion", "[reference][train]") {
  g2d_test::Random random(51);
  for (std::size_t num_modalities = 1; num_modalities <= 3; ++num_modalities) {
    for (const auto& fusion_case : g2d_test::fusion_cases(num_modalities, 3, random)) {
      CAPTURE(num_modalities, fusion_case.name);
      // Takes confidences for constants, which finite differences of a whole student do not.
      if (std::holds_alternative<fusion::EnergyWeighted>(fusion_case.fusion.choice)) continue;
      Student student = make_student(fusion_case, random);
      const Batch batch = make_batch(student, random);
      const train::StudentGradient gradient = student.backward(
          batch.inputs, g2d_loss.gradient(student.forward(batch.inputs), batch.target, batch.teachers));
      const auto check_layer = [&](Linear& layer, const Linear& claimed) {
        const Linear original = layer;
        const auto loss = [&] {
          return g2d_loss.terms(student.forward(batch.inputs), batch.target, batch.teachers).total;
        };
        const auto of_weight = [&](const Matrix& changed) {
          layer.weight = changed;
          return loss();
        };
        CHECK(gradient_error(of_weight, original.weight, claimed.weight) < 1e-7);
        layer = original;
        const auto of_bias = [&](const Matrix& changed) {
          layer.bias = changed;
          return loss();
        };
        CHECK(gradient_error(of_bias, original.bias, claimed.bias) < 1e-7);
        layer = original;
      };
      for (std::size_t m = 0; m < num_modalities; ++m) check_layer(student.encoders[m].layer, gradient.encoders[m]);
      const std::vector<Linear*> layers = student.head.layers();
      REQUIRE(gradient.fusion.size() == layers.size());
      for (std::size_t i = 0; i < layers.size(); ++i) check_layer(*layers[i], gradient.fusion[i]);
    }
  }
}

TEST_CASE("train::Step: a small step lowers the loss of its batch for every fusion", "[reference][train]") {
  g2d_test::Random random(52);
  for (const auto& fusion_case : g2d_test::fusion_cases(2, 3, random)) {
    CAPTURE(fusion_case.name);
    const Student student = make_student(fusion_case, random);
    const Batch batch = make_batch(student, random);
    train::Step step(student, g2d_loss, {.learning_rate = 1e-3});
    const double before = step.run(batch, {0, 1}).total;
    CHECK(step.run(batch, {0, 1}).total < before);
  }
}

TEST_CASE("train::Step: an encoder that is not active keeps every bit of its parameters and velocity",
          "[reference][train]") {
  g2d_test::Random random(53);
  for (const auto& fusion_case : g2d_test::fusion_cases(3, 3, random)) {
    CAPTURE(fusion_case.name);
    const Student student = make_student(fusion_case, random);
    const Batch batch = make_batch(student, random);
    train::Step step(student, g2d_loss, {.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01});
    step.run(batch, {0, 1, 2});
    const Student before = step.student();
    const train::StudentGradient velocity = step.velocity();
    step.run(batch, {1});
    for (const std::size_t frozen : {std::size_t{0}, std::size_t{2}}) {
      CHECK(identical(step.student().encoders[frozen].layer, before.encoders[frozen].layer));
      CHECK(identical(step.velocity().encoders[frozen], velocity.encoders[frozen]));
    }
    CHECK_FALSE(identical(step.student().encoders[1].layer, before.encoders[1].layer));
    for (std::size_t i = 0; i < velocity.fusion.size(); ++i) {
      CHECK_FALSE(identical(step.velocity().fusion[i], velocity.fusion[i]));
    }
  }
}

TEST_CASE("train: a slice holds the same samples of everything, and fewer at the end", "[reference][train]") {
  g2d_test::Random random(54);
  const Batch all{random.matrices(5, {2, 3}), {0, 1, 2, 3, 4}, {random.matrices(5, {1}), random.matrices(5, {4})}};
  const Batch last = train::slice(all, 3, 3);
  CHECK(last.target == Labels{3, 4});
  CHECK(last.inputs[1] == all.inputs[1].bottomRows(2));
  CHECK(last.teachers.features[0] == all.teachers.features[0].bottomRows(2));
  CHECK(last.teachers.logits[0] == all.teachers.logits[0].bottomRows(2));
}

TEST_CASE("train::Step: a wrong batch or modality is refused and changes nothing", "[reference][train]") {
  g2d_test::Random random(55);
  const Student student = make_student(g2d_test::fusion_cases(2, 3, random)[0], random);
  Batch batch = make_batch(student, random);
  train::Step step(student, g2d_loss, {.learning_rate = 0.1});
  CHECK_THROWS_AS(step.run(batch, {0, 2}), g2d::ConfigError);
  CHECK_THROWS_WITH(step.run(batch, {0, 2}), "g2d: reference::train::Step: expected active modality below 2, got 2");
  batch.inputs[1] = random.matrix(4, 5);
  CHECK_THROWS_AS(step.run(batch, {0, 1}), g2d::ShapeError);
  CHECK_THROWS_WITH(step.run(batch, {0, 1}),
                    "g2d: reference::train::Student: modality 1 of 2: expected [4, 3], got [4, 5]");
  for (std::size_t m = 0; m < 2; ++m) CHECK(identical(step.student().encoders[m].layer, student.encoders[m].layer));
}
