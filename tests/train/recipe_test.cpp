// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "support/catch.hpp"

#include <torch/torch.h>

#include <string>
#include <vector>

#include <g2d/recipe.hpp>
#include <g2d/task/regression.hpp>

namespace {

namespace recipe = g2d::recipe;
using Catch::Matchers::Contains;

const g2d::ModalityNames names{"audio", "visual"};

/// The controls that a recipe's method plans for an epoch.
g2d::method::Controls plan(const recipe::Recipe& chosen, std::int64_t epoch) {
  auto method = recipe::make_method(chosen);
  method.begin({.names = names,
                .feature_widths = {4, 4},
                .num_outputs = 3,
                .num_epochs = chosen.num_epochs,
                .teachers = g2d::TeacherSummary{.feature_widths = {4, 4}, .num_outputs = 3, .confidence = {0.8, 0.6}}});
  g2d::method::Plan planned{.controls = g2d::method::Controls(names.size())};
  method.plan(epoch, planned);
  return planned.controls;
}

}  // namespace

TEST_CASE("recipe::paper: every setting is as documented", "[recipe]") {
  CHECK(
      recipe::describe(recipe::paper()) ==
      "recipe         paper\n"
      "fusion         late, readout auto\n"
      "distillation   features 1 x mse, logits 1 x kl, temperature 1\n"
      "schedule       each modality alone, weak first, then all; stages equal; suppressed encoders frozen, their norm "
      "statistics frozen\n"
      "confidence     on training samples\n"
      "calibration    norm statistics before the first freeze\n"
      "optimizer      sgd, learning rate 0.001, momentum 0.9, weight decay 0.0001\n"
      "learning rate  x 0.1 every 200 epochs\n"
      "run            300 epochs, batch 16, seed 999\n"
      "selection      best validation epoch of the last stage\n");
}

TEST_CASE("recipe::official_code: every setting is as documented", "[recipe]") {
  CHECK(recipe::describe(recipe::official_code()) ==
        "recipe         official-code\n"
        "fusion         late, readout authors\n"
        "distillation   features 1 x mse, logits 1 x kl, temperature 1\n"
        "schedule       in every batch of epochs 0 to 150 the modality with the surer teacher is suppressed: gradients "
        "of "
        "its convolutions x 0, norm statistics tracked\n"
        "confidence     on training samples\n"
        "calibration    none\n"
        "optimizer      sgd, learning rate 0.001, momentum 0.9, weight decay 0.0001\n"
        "learning rate  x 0.1 every 200 epochs\n"
        "run            300 epochs, batch 16, seed 999\n"
        "selection      best epoch on the test split\n");
}

TEST_CASE("recipe::describe: says what was changed", "[recipe]") {
  auto changed = recipe::paper();
  changed.optimizer = g2d::optimizer::Adam{.learning_rate = 0.01};
  changed.schedule = g2d::schedule::Sequential<g2d::suppression::Complete>(
      {.stage_epochs = {1, 2, 3}, .order = g2d::schedule::Order::StrongFirst},
      g2d::suppression::Complete({.norm_statistics = g2d::suppression::NormStatistics::Batch}));
  CHECK_THAT(recipe::describe(changed), Contains("adam, learning rate 0.01"));
  CHECK_THAT(recipe::describe(changed), Contains("strong first, then all; stages [1, 2, 3] epochs"));
  CHECK_THAT(recipe::describe(changed), Contains("norm statistics of the batch"));
  changed.schedule = g2d::schedule::Sequential<g2d::suppression::Complete>({.stage_fractions = {1.0, 1.0, 2.0}});
  CHECK_THAT(recipe::describe(changed), Contains("stages [1, 1, 2] shares"));
  changed.schedule = g2d::schedule::Batchwise<g2d::suppression::ZeroedGradients>();
  changed.optimizer = g2d::optimizer::AdamW{};
  CHECK_THAT(recipe::describe(changed), Contains("epochs 0 to the last"));
  CHECK_THAT(recipe::describe(changed), Contains("adamw"));
  changed.schedule = g2d::schedule::Joint();
  CHECK_THAT(recipe::describe(changed), Contains("all modalities in every epoch"));
}

TEST_CASE("recipe::paper: the weak modality alone, the strong one alone, then both", "[recipe]") {
  const auto chosen = recipe::paper();
  for (const std::int64_t epoch : {0, 99}) {
    CHECK(plan(chosen, epoch)[0].frozen);
    CHECK_FALSE(plan(chosen, epoch)[1].frozen);
  }
  for (const std::int64_t epoch : {100, 199}) {
    CHECK_FALSE(plan(chosen, epoch)[0].frozen);
    CHECK(plan(chosen, epoch)[1].frozen);
  }
  CHECK_FALSE(plan(chosen, 200)[0].frozen);
  CHECK_FALSE(plan(chosen, 200)[1].frozen);
}

TEST_CASE("recipe::official_code: nothing is planned for an epoch, neither in its window nor after it", "[recipe]") {
  for (const std::int64_t epoch : {0, 150, 151, 299}) {
    for (const auto& control : plan(recipe::official_code(), epoch)) {
      CHECK_FALSE(control.frozen);
      CHECK_FALSE(control.gradient_scale.defined());
    }
  }
}

TEST_CASE("recipe::trainer_options: take a recipe's settings and keep the rest", "[recipe]") {
  auto chosen = recipe::official_code();
  chosen.num_epochs = 7;
  chosen.batch_size = 5;
  chosen.seed = 3;
  chosen.step_lr_period = 2;
  const auto options = recipe::trainer_options(chosen, {.clip_norm = 2.0});
  CHECK(options.num_epochs == 7);
  CHECK(options.batch_size == 5);
  CHECK(options.seed == 3);
  CHECK(options.clip_norm == 2.0);
  CHECK_FALSE(options.calibrate_norm_statistics);
  CHECK(options.learning_rate(1, 7) == 1.0);
  CHECK(options.learning_rate(2, 7) == Approx(0.1));
  CHECK(options.learning_rate(5, 7) == Approx(0.01));
}

TEST_CASE("recipe::make_student: has a ResNet-18 for each modality, and the fusion and readout of its names",
          "[recipe]") {
  auto chosen = recipe::paper();
  chosen.fusion = "gated";
  const auto student = recipe::make_student(chosen, {"audio", "front", "kitchen"}, {1, 3, 3}, 4);
  CHECK(student->num_modalities() == 3);
  CHECK(student->named_parameters()["encoders.front.conv1.weight"].size(1) == 3);
  CHECK(student->named_parameters()["fusion.output.weight"].sizes() == at::IntArrayRef{4, 512});
  const auto teacher = recipe::make_teacher("front", 3, 4);
  CHECK(teacher->named_parameters()["encoders.front.conv1.weight"].size(1) == 3);
  CHECK(teacher->num_outputs() == 4);
}

TEST_CASE("recipe: settings that do not fit are named", "[recipe]") {
  auto chosen = recipe::paper();
  CHECK_THROWS_AS(recipe::make_student(chosen, names, {1}, 3), g2d::ConfigError);
  CHECK_THROWS_WITH(recipe::make_student(chosen, names, {1}, 3),
                    "g2d: recipe::make_student: expected in_channels of 2 modalities (audio, visual), got 1");
  chosen.fusion = "bilinear";
  CHECK_THROWS_WITH(recipe::make_student(chosen, names, {1, 3}, 3),
                    "g2d: fusion: expected one of [sum, concat, film, gated, late, cosine, shared-head, "
                    "energy-weighted, boosted, cross-excitation], got \"bilinear\"");
  chosen.logit_distillation = "hinge";
  CHECK_THROWS_WITH(recipe::make_method(chosen), Contains("got \"hinge\""));
  chosen.logit_distillation = "kl";
  chosen.temperature = 0.0;
  CHECK_THROWS_AS(recipe::make_method(chosen), g2d::ConfigError);
}
