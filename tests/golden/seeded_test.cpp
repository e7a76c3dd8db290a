// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Redoes runs of the authors' code from their seed alone: every weight of the ResNet-18 encoders is drawn, not loaded.

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/recipe.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teachers.hpp>
#include <g2d/train/step.hpp>

#include "golden/authors_names.hpp"
#include "golden/authors_run.hpp"
#include "golden/comparison.hpp"
#include "support/catch.hpp"
#include "support/default_dtype.hpp"
#include "support/threads_scope.hpp"

namespace {

using g2d_test::check_number;

const auto& modalities = g2d_test::authors_modalities;

/// [sum, norm] of every tensor, by the name in Python.
using Sums = std::map<std::string, std::array<double, 2>>;

void check_sums(const std::string& when, const g2d::AnyStudent& student, const nlohmann::json& expected) {
  g2d_test::for_each_pair(student, expected.get<Sums>(), g2d_test::student_prefixes,
                          [&](const std::string& name, const at::Tensor& ours, const std::array<double, 2>& theirs) {
                            INFO(when);
                            const auto sum = ours.sum().item<double>();
                            INFO(fmt::format("{}: expected sum {:.17g}, got {:.17g}", name, theirs[0], sum));
                            CHECK(std::abs(sum - theirs[0]) <= 1e-9 * static_cast<double>(ours.numel()));
                            check_number(name + ": norm", ours.norm().item<double>(), theirs[1]);
                          });
}

g2d::recipe::Recipe make_recipe(const nlohmann::json& golden) {
  auto recipe = g2d::recipe::official_code();
  recipe.fusion = golden.at("fusion").get<std::string>();
  recipe.temperature = golden.at("temperature").get<double>();
  recipe.feature_weight = golden.at("weights").get<double>();
  recipe.logit_weight = recipe.feature_weight;
  recipe.seed = golden.at("seed").get<std::uint64_t>();
  recipe.batch_size = golden.at("batch_size").get<std::int64_t>();
  recipe.optimizer = g2d::optimizer::Sgd{.learning_rate = golden.at("learning_rate").get<double>(),
                                         .momentum = golden.at("momentum").get<double>(),
                                         .weight_decay = golden.at("weight_decay").get<double>()};
  const auto modulation = golden.at("modulation").get<std::string>();
  if (modulation == "Normal") {
    recipe.schedule = g2d::schedule::Joint();
  } else {
    REQUIRE(modulation == "G2D");
  }
  return recipe;
}

std::vector<std::int64_t> shape_of(const nlohmann::json& golden, const std::string& modality, std::int64_t batch_size) {
  std::vector<std::int64_t> shape{batch_size};
  for (const auto& size : golden.at(modality + "_shape")) shape.push_back(size.get<std::int64_t>());
  return shape;
}

g2d::Teachers make_teachers(const nlohmann::json& golden) {
  std::vector<g2d::Teacher> teachers;
  for (const auto& name : modalities) {
    teachers.push_back(g2d::Teacher::of(
        g2d::recipe::make_teacher(name, shape_of(golden, name, 1)[1], golden.at("classes").get<std::int64_t>())));
  }
  return {modalities, std::move(teachers)};
}

g2d::Batch draw_batch(const nlohmann::json& golden, std::int64_t size) {
  g2d::Batch batch;
  for (const auto& name : modalities) batch.inputs.emplace_back(torch::randn(shape_of(golden, name, size)));
  batch.target = torch::randint(0, golden.at("classes").get<std::int64_t>(), {size}, at::kLong);
  return batch;
}

void check_step(const nlohmann::json& expected, const g2d::Observation& seen) {
  g2d_test::AuthorsStep step(expected);
  step.check_losses(seen);
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    step.check("coefficient_" + modalities[m], g2d_test::applied_coefficient(seen, m));
  }
  step.check_complete();
}

void check_ones(g2d::AnyStudent& student, const nlohmann::json& golden) {
  const at::NoGradGuard no_grad;
  student.eval();
  const g2d::PerModality<g2d::Input> ones{torch::ones(shape_of(golden, "audio", 2)),
                                          torch::ones(shape_of(golden, "visual", 2))};
  const auto logits = student.forward(ones);
  const auto& expected = golden.at("eval_logits_of_ones");
  for (std::size_t row = 0; row < expected.size(); ++row) {
    for (std::size_t c = 0; c < expected[row].size(); ++c) {
      check_number(fmt::format("logit {} of row {} of ones", c, row),
                   logits[static_cast<std::int64_t>(row)][static_cast<std::int64_t>(c)].item<double>(),
                   expected[row][c].get<double>());
    }
  }
}

void run(const std::filesystem::path& file) {
  const auto golden = g2d_test::read_json(file);
  const auto recipe = make_recipe(golden);

  torch::manual_seed(recipe.seed);
  const auto student =
      g2d::recipe::make_student(recipe, modalities, {shape_of(golden, "audio", 1)[1], shape_of(golden, "visual", 1)[1]},
                                golden.at("classes").get<std::int64_t>());
  const auto teachers = make_teachers(golden);
  check_sums("before training", *student, golden.at("before"));

  g2d::Step step(*student, g2d::recipe::make_method(recipe),
                 {.optimizer = recipe.optimizer, .num_epochs = recipe.num_epochs}, teachers.summary({}));
  for (const auto& expected : golden.at("steps")) {
    INFO("step " << step.num_steps());
    step.set_observer({.on_step = [&](const g2d::Observation& seen) { check_step(expected, seen); }});
    const auto batch = draw_batch(golden, recipe.batch_size);
    const auto outputs = teachers(batch, g2d::task::Classification());
    step(batch, &outputs);
  }
  check_sums("after training", *student, golden.at("after"));
  check_ones(*student, golden);
}

}  // namespace

TEST_CASE("golden: recipe::official_code redoes the authors' runs from their seeds", "[golden][seeded]") {
  const g2d_test::DefaultDtype dtype(at::kDouble);
  const g2d_test::ThreadsScope one_thread(1);  // Sums depend on their number.
  g2d_test::GoldenCases("seeded").run(run);
}
