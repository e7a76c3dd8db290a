// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Runs what the authors' published Python computed, number by number, through Step: losses, scores, coefficients,
// gradient norms before and after modulation, and all tensors after training.

#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mse.hpp>
#include <g2d/io/pt.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/method/ogm.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/method/window.hpp>
#include <g2d/recipe/make_method.hpp>
#include <g2d/recipe/official_code.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teachers.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/student.hpp>
#include <g2d/train/train_teacher.hpp>

#include "golden/authors_names.hpp"
#include "golden/authors_run.hpp"
#include "golden/comparison.hpp"
#include "golden/golden_encoder.hpp"
#include "support/catch.hpp"
#include "support/default_dtype.hpp"

namespace {

using Tensors = std::map<std::string, at::Tensor>;
using g2d_test::check_number;
using g2d_test::check_tensor;

const auto& modalities = g2d_test::authors_modalities;

struct OfficialCase {
  explicit OfficialCase(const std::filesystem::path& folder)
      : settings(g2d_test::read_json(folder / "case.json")), tensors(read(folder / "tensors.pt")) {}

  template <class Value>
  [[nodiscard]] Value get(const char* setting) const {
    return settings.at(setting).get<Value>();
  }

  /// A setting in lower case: file names and contents differ in this.
  [[nodiscard]] std::string name(const char* setting) const {
    auto text = get<std::string>(setting);
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
  }

  /// The tensors whose names begin so, without that beginning.
  [[nodiscard]] Tensors below(const std::string& folder) const {
    Tensors found;
    for (const auto& [key, tensor] : tensors) {
      if (key.starts_with(folder)) found[key.substr(folder.size())] = tensor;
    }
    return found;
  }

  [[nodiscard]] bool modulates(std::int64_t epoch) const {
    return epoch >= get<std::int64_t>("modulation_starts") && epoch <= get<std::int64_t>("modulation_ends");
  }

  nlohmann::json settings;
  Tensors tensors;

 private:
  static Tensors read(const std::filesystem::path& file) {
    Tensors tensors;
    for (const auto& item : g2d::io::read_pt(file)) tensors[item.key()] = item.value();
    return tensors;
  }
};

std::shared_ptr<g2d_test::GoldenEncoder> make_encoder(const Tensors& weights, const std::string& prefix) {
  const auto& first = weights.at(prefix + "conv1.weight");
  const auto& second = weights.at(prefix + "conv2.weight");
  return std::make_shared<g2d_test::GoldenEncoder>(first.size(1), first.size(0), second.size(0));
}

g2d::AnyStudent make_student(const OfficialCase& golden) {
  const auto weights = golden.below("before/");
  const std::vector<g2d::Encoder> encoders{make_encoder(weights, "audio_net."), make_encoder(weights, "visual_net.")};
  const g2d::FusionShape shape(modalities, {encoders[0].feature_width(), encoders[1].feature_width()},
                               golden.get<std::int64_t>("classes"));
  g2d::AnyStudent student(g2d::fusion::make(golden.name("fusion"), shape), encoders, g2d::readout::Authors{});
  g2d_test::load(student, weights, g2d_test::student_prefixes);
  return student;
}

g2d::Teachers make_teachers(const OfficialCase& golden) {
  std::vector<g2d::Teacher> teachers;
  for (const auto& modality : modalities) {
    const auto weights = golden.below("teacher/" + modality + "/");
    const auto model =
        g2d::make_unimodal_model(modality, make_encoder(weights, "net."), golden.get<std::int64_t>("classes"));
    g2d_test::load(*model, weights, g2d_test::teacher_prefixes(modality));
    teachers.push_back(g2d::Teacher::of(model));
  }
  return {modalities, std::move(teachers)};
}

g2d::optimizer::Settings make_optimizer(const OfficialCase& golden) {
  const auto learning_rate = golden.get<double>("learning_rate");
  const auto weight_decay = golden.get<double>("weight_decay");
  if (golden.name("optimiser") == "sgd") {
    return g2d::optimizer::Sgd{
        .learning_rate = learning_rate, .momentum = golden.get<double>("momentum"), .weight_decay = weight_decay};
  }
  REQUIRE(golden.name("optimiser") == "adam");
  return g2d::optimizer::Adam{.learning_rate = learning_rate, .weight_decay = weight_decay};
}

g2d::method::OgmOptions ogm_options(const OfficialCase& golden) {
  return g2d::method::official_ogm(golden.get<double>("alpha"));
}

g2d::method::Any make_method(const OfficialCase& golden) {
  namespace method = g2d::method;
  using g2d::task::Classification;
  const auto first_epoch = golden.get<std::int64_t>("modulation_starts");
  const auto last_epoch = golden.get<std::int64_t>("modulation_ends");
  auto recipe = g2d::recipe::official_code();
  recipe.temperature = golden.get<double>("temperature");

  const auto modulation = golden.name("modulation");
  if (modulation == "ogm") {
    using Loss = method::Distillation<Classification, g2d::distillation::Mse, g2d::distillation::Kl>;
    return method::Stack(
        method::Supervised<Classification>(),
        Loss({}, Classification(), g2d::distillation::Mse(),
             g2d::distillation::Kl({.temperature = recipe.temperature})),
        method::Window(method::Ogm<Classification>(ogm_options(golden)), {.first = first_epoch, .last = last_epoch}));
  }
  if (modulation == "normal") {
    recipe.schedule = g2d::schedule::Joint();
  } else {
    REQUIRE(modulation == "g2d");
    recipe.schedule = g2d::schedule::Batchwise<g2d::suppression::ZeroedGradients>(
        {.first_epoch = first_epoch, .last_epoch = last_epoch},
        g2d::suppression::ZeroedGradients({.filter = g2d::suppression::official_filter()}));
  }
  return g2d::recipe::make_method(recipe);
}

/// What the authors' code writes down in every epoch, also where it does not apply it.
at::Tensor batch_coefficients(const OfficialCase& golden, const at::Tensor& teacher_scores,
                              const at::Tensor& student_scores) {
  const auto modulation = golden.name("modulation");
  if (modulation == "ogm") return g2d::method::ogm_coefficients(student_scores, ogm_options(golden));
  if (modulation == "normal") return at::ones_like(teacher_scores);
  const auto is_surest = teacher_scores.eq(teacher_scores.max());
  return g2d::suppression::ZeroedGradients().coefficients(is_surest, teacher_scores);
}

void check_first_step(const OfficialCase& golden, const g2d::Observation& seen) {
  auto expected = golden.below("step0/");
  const auto check = [&](const std::string& name, const at::Tensor& actual) {
    check_tensor("step0/" + name, actual, expected.at(name));
    expected.erase(name);
  };
  check("logits", seen.outputs.fused);
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    check("features_" + modalities[m], seen.outputs.features[m]);
    check("unimodal_" + modalities[m], seen.outputs.unimodal[m]);
    check("teacher_features_" + modalities[m], seen.teachers->features[m]);
    check("teacher_logits_" + modalities[m], seen.teachers->logits[m]);
  }
  CHECK(expected.empty());
}

void check_step(const OfficialCase& golden, const nlohmann::json& expected, const g2d::Batch& batch,
                const g2d::Observation& seen) {
  const g2d::task::Classification task;
  g2d_test::AuthorsStep step(expected);
  step.check("epoch", static_cast<double>(seen.epoch));
  step.check("step", static_cast<double>(seen.step));
  step.check_losses(seen);

  std::vector<at::Tensor> student_scores;
  for (const auto& logits : seen.outputs.unimodal) {
    student_scores.push_back(task.confidence(logits, batch.target).sum());
  }
  const auto coefficients = batch_coefficients(golden, seen.teachers->confidence.sum(0), at::stack(student_scores));
  for (std::size_t m = 0; m < modalities.size(); ++m) {
    const auto& name = modalities[m];
    step.check("confidence_teacher_" + name, seen.teachers->confidence.mean(0)[static_cast<std::int64_t>(m)]);
    step.check("confidence_student_" + name, student_scores[m] / static_cast<double>(batch.size()));
    step.check("loss_student_" + name, task.loss(seen.outputs.unimodal[m], batch.target));
    step.check("coefficient_" + name, coefficients[static_cast<std::int64_t>(m)]);
    step.check("grad_norm_" + name, seen.gradient_norms[m]);
    step.check("modulated_grad_norm_" + name, seen.modulated_gradient_norms[m]);
    const auto applied = golden.modulates(seen.epoch) ? expected.at("coefficient_" + name).get<double>() : 1.0;
    check_number("applied coefficient_" + name, g2d_test::applied_coefficient(seen, m), applied);
  }
  step.check_complete();
}

g2d::Batch make_batch(const OfficialCase& golden, std::size_t index) {
  const auto tensors = golden.below(fmt::format("batch/{}/", index));
  return {.inputs = {tensors.at("audio"), tensors.at("visual")},
          .target = tensors.at("labels"),
          .sample_ids = {},
          .present = {}};
}

void run(const std::filesystem::path& folder) {
  const OfficialCase golden(folder);
  auto student = make_student(golden);
  student.train();
  const auto teachers = make_teachers(golden);

  const auto num_epochs = golden.get<std::int64_t>("epochs");
  const auto steps_per_epoch = golden.get<std::size_t>("steps_per_epoch");
  const auto& steps = golden.settings.at("steps");
  REQUIRE(steps.size() == static_cast<std::size_t>(num_epochs) * steps_per_epoch);

  g2d::Step step(student, make_method(golden), {.optimizer = make_optimizer(golden), .num_epochs = num_epochs},
                 teachers.summary({}));
  for (std::size_t i = 0; i < steps.size(); ++i) {
    INFO("step " << i);
    if (i % steps_per_epoch == 0) step.begin_epoch(static_cast<std::int64_t>(i / steps_per_epoch));
    const auto batch = make_batch(golden, i % steps_per_epoch);
    step.set_observer({.on_step =
                           [&](const g2d::Observation& seen) {
                             if (i == 0) check_first_step(golden, seen);
                             check_step(golden, steps[i], batch, seen);
                           },
                       .unimodal = true,
                       .gradient_norms = true,
                       .gradient_norm_filter = g2d::suppression::official_filter()});
    const auto outputs = teachers(batch, g2d::task::Classification());
    step(batch, &outputs);
  }
  g2d_test::for_each_pair(student, golden.below("after/"), g2d_test::student_prefixes,
                          [](const std::string& name, const at::Tensor& ours, const at::Tensor& theirs) {
                            check_tensor("after/" + name, ours, theirs);
                          });
}

}  // namespace

TEST_CASE("golden: every run of the authors' code comes out of Step", "[golden][official]") {
  const g2d_test::DefaultDtype dtype(at::kDouble);
  g2d_test::GoldenCases("official").run(run);
}
