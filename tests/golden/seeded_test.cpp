// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Redoes runs of the authors' code from their seed alone, ResNet-18 encoders included: every weight is drawn, not loaded.

#include <ATen/Parallel.h>
#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/recipe.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "golden/authors_names.hpp"
#include "golden/comparison.hpp"
#include "support/catch.hpp"
#include "support/default_dtype.hpp"

namespace {

using g2d_test::check_number;

const g2d::ModalityNames modalities{"audio", "visual"};

/// Sums depend on the number of threads.
class OneThread {
 public:
  OneThread() : before_(at::get_num_threads()) { at::set_num_threads(1); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;
  ~OneThread() { at::set_num_threads(before_); }

 private:
  int before_;
};

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

g2d::TeacherOutputs ask(const std::vector<std::shared_ptr<g2d::AnyStudent>>& teachers, const g2d::Batch& batch) {
  const at::NoGradGuard no_grad;
  g2d::TeacherOutputs outputs;
  std::vector<at::Tensor> confidence;
  for (std::size_t m = 0; m < teachers.size(); ++m) {
    const auto features = teachers[m]->encode(0, batch.inputs[m]);
    outputs.features.push_back(features);
    outputs.logits.push_back(teachers[m]->fuse({{features}}).logits);
    confidence.push_back(g2d::task::Classification().confidence(outputs.logits[m], batch.target));
  }
  outputs.confidence = at::stack(confidence, 1);
  return outputs;
}

void check_step(const nlohmann::json& expected, const g2d::Observation& seen) {
  std::size_t num_checked = 0;
  const auto check = [&](const std::string& quantity, double actual) {
    check_number(quantity, actual, expected.at(quantity).get<double>());
    ++num_checked;
  };
  check("total", seen.total.item<double>());
  for (const auto& term : seen.terms) {
    const std::string name(term.name);
    check(term.modality ? name + "_" + modalities[*term.modality] : name, term.value.item<double>());
  }
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    check("coefficient_" + modalities[m], seen.coefficients[m].defined() ? seen.coefficients[m].item<double>() : 1.0);
  }
  CHECK(num_checked == expected.size());
}

void check_ones(g2d::AnyStudent& student, const nlohmann::json& golden) {
  const at::NoGradGuard no_grad;
  student.eval();
  const g2d::PerModality<g2d::Input> ones{torch::ones(shape_of(golden, "audio", 2)), torch::ones(shape_of(golden, "visual", 2))};
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
  const auto classes = golden.at("classes").get<std::int64_t>();
  const auto channels = [&](const std::string& modality) { return shape_of(golden, modality, recipe.batch_size)[1]; };

  torch::manual_seed(recipe.seed);
  const auto student = g2d::recipe::make_student(recipe, modalities, {channels("audio"), channels("visual")}, classes);
  std::vector<std::shared_ptr<g2d::AnyStudent>> teachers;
  for (const auto& name : modalities) {
    teachers.push_back(g2d::recipe::make_teacher(name, channels(name), classes));
    teachers.back()->eval();
  }
  check_sums("before training", *student, golden.at("before"));

  const auto width = student->handed_on_width(0);
  const g2d::TeacherSummary summary{.feature_widths = {width, width}, .num_outputs = classes, .confidence = {}};
  g2d::Step step(*student, g2d::recipe::make_method(recipe),
                 {.optimizer = recipe.optimizer, .num_epochs = recipe.num_epochs}, summary);
  for (const auto& expected : golden.at("steps")) {
    INFO("step " << step.num_steps());
    step.set_observer({.on_step = [&](const g2d::Observation& seen) { check_step(expected, seen); }});
    g2d::Batch batch;
    for (const auto& name : modalities) batch.inputs.emplace_back(torch::randn(shape_of(golden, name, recipe.batch_size)));
    batch.target = torch::randint(0, classes, {recipe.batch_size}, at::kLong);
    const auto outputs = ask(teachers, batch);
    step(batch, &outputs);
  }
  check_sums("after training", *student, golden.at("after"));
  check_ones(*student, golden);
}

}  // namespace

TEST_CASE("golden: recipe::official_code redoes the authors' runs from their seeds", "[golden][seeded]") {
  const g2d_test::DefaultDtype dtype(at::kDouble);
  const OneThread one_thread;
  g2d_test::GoldenCases("seeded").run(run);
}
