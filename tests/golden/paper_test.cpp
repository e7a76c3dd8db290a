// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Runs the cases computed from the paper's equations through Step: confidence, order, stages, every term of every step,
// and all parameters after training.

#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <g2d/confidence/order.hpp>
#include <g2d/core/batch.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/recipe/make_method.hpp>
#include <g2d/recipe/paper.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/student.hpp>

#include "golden/comparison.hpp"
#include "support/catch.hpp"
#include "support/default_dtype.hpp"
#include "support/paper_case.hpp"

namespace {

using g2d_test::check_number;
using g2d_test::check_tensor;
using g2d_test::PaperCase;

at::Tensor to_tensor(const g2d_test::Table& table) {
  return torch::tensor(table.values, at::kDouble)
      .view({static_cast<std::int64_t>(table.rows), static_cast<std::int64_t>(table.columns)});
}

at::Tensor to_tensor(const std::vector<double>& values) { return torch::tensor(values, at::kDouble); }

std::string layer_name(const PaperCase& golden, std::size_t head) {
  return golden.fusion == "concat" ? "fusion.output" : fmt::format("fusion.m{}", head);
}

/// Calls visit(name of ours, their layer) for every layer of the student.
template <class Visitor>
void for_each_layer(const PaperCase& golden, const g2d_test::PaperParameters& parameters, Visitor&& visit) {
  for (std::size_t m = 0; m < parameters.encoders.size(); ++m) {
    visit(fmt::format("encoders.m{}.fc1", m), parameters.encoders[m]);
  }
  for (std::size_t h = 0; h < parameters.heads.size(); ++h) visit(layer_name(golden, h), parameters.heads[h]);
}

g2d::AnyStudent make_student(const PaperCase& golden, std::int64_t num_outputs) {
  std::vector<std::string> names;
  std::vector<std::int64_t> widths;
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < golden.num_modalities(); ++m) {
    const auto& weight = golden.before.encoders[m].weight;
    names.push_back(fmt::format("m{}", m));
    widths.push_back(static_cast<std::int64_t>(weight.rows));
    encoders.emplace_back(std::make_shared<g2d::encoder::Mlp>(
        g2d::encoder::MlpOptions{.in_features = static_cast<std::int64_t>(weight.columns),
                                 .feature_width = widths[m],
                                 .activation = g2d::encoder::Activation::Tanh}));
  }
  const g2d::FusionShape shape(g2d::ModalityNames(names), widths, num_outputs);
  g2d::AnyStudent student(g2d::fusion::make(golden.fusion, shape), encoders, g2d::readout::Auto());

  const at::NoGradGuard no_grad;
  auto parameters = student.named_parameters();
  for_each_layer(golden, golden.before, [&](const std::string& name, const g2d_test::PaperLayer& layer) {
    parameters[name + ".weight"].copy_(to_tensor(layer.weight));
    parameters[name + ".bias"].copy_(to_tensor(layer.bias));
  });
  CHECK(parameters.size() == 2 * (golden.before.encoders.size() + golden.before.heads.size()));
  return student;
}

template <g2d::task::TaskPolicy Task>
g2d::recipe::Recipe make_recipe(const PaperCase& golden) {
  auto recipe = g2d::recipe::paper();
  recipe.fusion = golden.fusion;
  recipe.feature_distillation = golden.feature_distillation;
  const bool is_multi_label = Task::output_kind == g2d::OutputKind::Labels;
  recipe.logit_distillation =
      is_multi_label && golden.logit_distillation == "kl" ? "bernoulli-kl" : golden.logit_distillation;
  recipe.temperature = golden.temperature;
  recipe.feature_weight = golden.alpha;
  recipe.logit_weight = golden.beta;
  recipe.schedule = g2d::schedule::Sequential<g2d::suppression::Complete>({.stage_epochs = golden.stage_epochs});
  recipe.optimizer = g2d::optimizer::Sgd{
      .learning_rate = golden.learning_rate, .momentum = golden.momentum, .weight_decay = golden.weight_decay};
  recipe.num_epochs = 0;
  for (const auto epochs : golden.stage_epochs) recipe.num_epochs += epochs;
  return recipe;
}

/// All samples with what the teachers say of them.
struct Samples {
  g2d::Batch batch;
  g2d::TeacherOutputs teachers;

  [[nodiscard]] Samples slice(std::int64_t begin, std::int64_t end) const {
    const auto rows = [&](const at::Tensor& tensor) { return tensor.slice(0, begin, end); };
    Samples part;
    for (const auto& input : batch.inputs) part.batch.inputs.emplace_back(rows(input.values));
    part.batch.target = rows(batch.target);
    for (const auto& features : teachers.features) part.teachers.features.push_back(rows(features));
    for (const auto& logits : teachers.logits) part.teachers.logits.push_back(rows(logits));
    part.teachers.confidence = rows(teachers.confidence);
    return part;
  }
};

template <g2d::task::TaskPolicy Task>
Samples make_samples(const PaperCase& golden, const Task& task, at::Tensor target) {
  Samples all;
  std::vector<at::Tensor> confidence;
  all.batch.target = std::move(target);
  for (std::size_t m = 0; m < golden.num_modalities(); ++m) {
    all.batch.inputs.emplace_back(to_tensor(golden.inputs[m]));
    all.teachers.features.push_back(to_tensor(golden.teacher_features[m]));
    all.teachers.logits.push_back(to_tensor(golden.teacher_logits[m]));
    confidence.push_back(task.confidence(all.teachers.logits[m], all.batch.target));
  }
  all.teachers.confidence = at::stack(confidence, 1);
  return all;
}

g2d::TeacherSummary summarize(const PaperCase& golden, const g2d::TeacherOutputs& teachers) {
  g2d::TeacherSummary summary;
  summary.num_outputs = teachers.logits[0].size(1);
  const auto confidence = teachers.confidence.mean(0);
  for (std::size_t m = 0; m < golden.num_modalities(); ++m) {
    summary.feature_widths.push_back(teachers.features[m].size(1));
    summary.confidence.push_back(confidence[static_cast<std::int64_t>(m)].item<double>());
    check_number(fmt::format("confidence {}", m), summary.confidence[m], golden.confidence[m]);
  }
  const auto order = g2d::confidence::weak_to_strong(summary.confidence);
  CHECK(std::vector<std::size_t>(order.begin(), order.end()) == golden.order);
  return summary;
}

std::vector<std::size_t> active(const g2d::method::Controls& controls) {
  std::vector<std::size_t> active;
  for (std::size_t m = 0; m < controls.size(); ++m) {
    if (!controls[m].frozen) active.push_back(m);
  }
  return active;
}

void check_step(const PaperCase& golden, const g2d_test::PaperStep& expected, const g2d::StepResult& result,
                const g2d::method::Controls& controls) {
  auto expected_active = expected.active;
  std::sort(expected_active.begin(), expected_active.end());
  CHECK(active(controls) == expected_active);
  check_number("total", result.total.item<double>(), expected.total);
  double recomputed_total = 0.0;
  for (const auto& term : result.terms) {
    const double value = term.value.item<double>();
    recomputed_total += term.weight * value;
    const auto m = term.modality.value_or(0);
    if (term.name == "task") check_number("task", value, expected.task);
    if (term.name == "feature") check_number(fmt::format("feature_{}", m), value, expected.feature[m]);
    if (term.name == "logit") check_number(fmt::format("logit_{}", m), value, expected.logit[m]);
  }
  check_number("sum of the terms", recomputed_total, expected.total);
  const bool distils_features = golden.feature_distillation != "none" && golden.alpha > 0.0;
  const bool distils_logits = golden.logit_distillation != "none" && golden.beta > 0.0;
  CHECK(result.terms.size() == 1 + golden.num_modalities() * (static_cast<std::size_t>(distils_features) +
                                                              static_cast<std::size_t>(distils_logits)));
}

template <g2d::task::TaskPolicy Task>
void run(const PaperCase& golden, const Task& task, at::Tensor target) {
  const auto samples = make_samples(golden, task, std::move(target));
  const auto summary = summarize(golden, samples.teachers);
  const auto recipe = make_recipe<Task>(golden);
  auto student = make_student(golden, summary.num_outputs);
  g2d::Step step(student, g2d::recipe::make_method(recipe, task),
                 {.optimizer = recipe.optimizer, .num_epochs = recipe.num_epochs}, summary);

  const auto stages = std::get<g2d::schedule::Sequential<g2d::suppression::Complete>>(recipe.schedule)
                          .stages({student.names(), summary.confidence, recipe.num_epochs});

  const auto batches = golden.batches_per_epoch();
  REQUIRE(golden.steps.size() == static_cast<std::size_t>(recipe.num_epochs) * batches);
  for (std::size_t i = 0; i < golden.steps.size(); ++i) {
    INFO("step " << i);
    const auto& expected = golden.steps[i];
    const auto epoch = static_cast<std::int64_t>(i / batches);
    CHECK(epoch == expected.epoch);
    CHECK(stages[expected.stage].contains(epoch));
    if (i % batches == 0) step.begin_epoch(epoch);
    const auto begin = static_cast<std::int64_t>((i % batches) * golden.batch_size);
    const auto part = samples.slice(begin, begin + static_cast<std::int64_t>(golden.batch_size));
    check_step(golden, expected, step(part.batch, &part.teachers), step.plan().controls);
  }

  auto parameters = student.named_parameters();
  for_each_layer(golden, golden.after, [&](const std::string& name, const g2d_test::PaperLayer& layer) {
    check_tensor(name + ".weight after training", parameters[name + ".weight"], to_tensor(layer.weight));
    check_tensor(name + ".bias after training", parameters[name + ".bias"], to_tensor(layer.bias));
  });
}

void run(const std::filesystem::path& file) {
  const auto golden = g2d_test::read_paper_case(file);
  if (golden.task == "classification") {
    run(golden, g2d::task::Classification(), torch::tensor(golden.labels, at::kLong));
    return;
  }
  const auto targets = to_tensor(golden.targets);
  if (golden.task == "regression") {
    check_number("target_variance", targets.var(std::nullopt, /*unbiased=*/false).item<double>(),
                 golden.target_variance);
    run(golden, g2d::task::Regression({.target_variance = golden.target_variance}), targets);
  } else {
    REQUIRE(golden.task.starts_with("multi"));
    run(golden, g2d::task::MultiLabel(), targets);
  }
}

}  // namespace

TEST_CASE("golden: every run computed from the paper's equations comes out of Step", "[golden][paper]") {
  const g2d_test::DefaultDtype dtype(at::kDouble);
  g2d_test::GoldenCases("paper").run([](const std::filesystem::path& file) { run(file); });
}
