// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods in a step: OGM, multi-task training, stacks of policies, policies of a user's own.

#include "support/catch.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/encoder/gru.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/encoder/transformer.hpp>
#include <g2d/method/mm_pareto.hpp>
#include <g2d/method/ogm.hpp>
#include <g2d/method/uniform_multi_task.hpp>
#include <g2d/method/window.hpp>

#include "support/check_report.hpp"
#include "support/snapshot.hpp"
#include "support/user_policies.hpp"
#include "unit/step_case.hpp"

using namespace g2d_test;

TEST_CASE("method::UniformMultiTask: trains the heads that the readout owns", "[step][method]") {
  const auto student = plain_student("concat", "own-heads");
  const auto before = snapshot(*student);
  AnyStep step(*student, method::UniformMultiTask<Classification>(), {});
  const auto result = step(batch(1));
  CHECK(result.terms.size() == 3);
  CHECK(result.terms[2].name == "unimodal");
  CHECK(changed(before, *student).size() == before.size());
}

TEST_CASE("method::UniformMultiTask and MmPareto: what a sample lacks teaches its head nothing",
          "[step][method][presence]") {
  const auto heads_after = [](g2d::method::Any policy, bool turns_label, at::Tensor present) {
    const auto student = plain_student("concat", "own-heads");
    AnyStep step(*student, std::move(policy), {.optimizer = plain_sgd});
    auto samples = batch(1);
    samples.present = std::move(present);
    if (turns_label) samples.target[2] = samples.target[2].add(1).remainder(num_outputs);
    step(samples);
    const auto all = snapshot(*student);
    return std::pair(all.at("readout.audio.weight") + all.at("readout.audio.bias"), all.at("readout.image.weight"));
  };
  const auto whole = torch::ones({num_samples, 2}, torch::kBool);
  auto holed = whole.clone();
  holed[2][0] = false;
  for (const bool is_pareto : {false, true}) {
    INFO((is_pareto ? "MmPareto" : "UniformMultiTask"));
    const auto policy = [is_pareto]() -> g2d::method::Any {
      if (is_pareto) return method::MmPareto<Classification>();
      return method::UniformMultiTask<Classification>();
    };
    CHECK(heads_after(policy(), false, holed).first == heads_after(policy(), true, holed).first);
    CHECK(heads_after(policy(), false, holed).second != heads_after(policy(), true, holed).second);
    CHECK(heads_after(policy(), false, whole) == heads_after(policy(), false, {}));
  }
}

TEST_CASE("method::UniformMultiTask: a modality's loss is that of the samples that have it, few or many",
          "[step][method][presence]") {
  const task::Classification weighted({.class_weights = torch::tensor({1.0, 4.0, 0.5, 2.0}), .label_smoothing = 0.1});
  const auto student = plain_student("concat", "own-heads");
  for (const std::int64_t num_present : {std::int64_t{0}, std::int64_t{1}, std::int64_t{2}, num_samples}) {
    INFO(num_present);
    auto samples = batch(1);
    samples.present = torch::ones({num_samples, 2}, torch::kBool);
    samples.present.select(1, 0).narrow(0, num_present, num_samples - num_present).fill_(false);
    samples.inputs[0].values =
        samples.inputs[0].values.masked_fill(samples.present.select(1, 0).logical_not().unsqueeze(1), std::nan(""));
    const auto audio = student->unimodal_logits(student->encode(samples.inputs, samples.present))[0].detach();
    const auto expected = weighted.loss(audio.narrow(0, 0, num_present), samples.target.narrow(0, 0, num_present));
    AnyStep step(*student, method::UniformMultiTask<Classification>(weighted),
                 {.optimizer = g2d::optimizer::Sgd{.learning_rate = 1e-12}});
    const auto result = step(samples);
    CHECK_FALSE(result.is_skipped.item<bool>());
    CHECK(result.terms[1].value.item<double>() == Approx(num_present == 0 ? 0.0 : expected.item<double>()));
  }
}

TEST_CASE("method: a task that does not split its loss by samples is asked for that of those present",
          "[step][method][presence]") {
  const auto student = plain_student("concat", "own-heads");
  auto samples = batch(1);
  samples.target = torch::one_hot(samples.target, num_outputs).to(torch::kFloat);
  samples.present = torch::ones({num_samples, 2}, torch::kBool);
  samples.present.select(1, 0).narrow(0, 2, num_samples - 2).fill_(false);
  const auto unimodal = student->unimodal_logits(student->encode(samples.inputs, samples.present));
  const user::AbsoluteTask task;
  const auto expected = task.loss(unimodal[0].narrow(0, 0, 2), samples.target.narrow(0, 0, 2)).item<double>();
  const auto expected_of_image = task.loss(unimodal[1], samples.target).item<double>();
  AnyStep step(*student, method::UniformMultiTask<user::AbsoluteTask>(), {});
  const auto result = step(samples);
  CHECK(result.terms[1].value.item<double>() == Approx(expected));
  CHECK(result.terms[2].value.item<double>() == Approx(expected_of_image));
}

namespace {

/// A step of OGM: what each modality was scaled by, and how much shorter its gradients became, its head's left out.
struct OgmStep {
  OgmStep(const std::shared_ptr<g2d::AnyStudent>& student, const g2d::Batch& samples, method::OgmOptions options) {
    AnyStep step(*student, method::Stack(method::Supervised<Classification>(), method::Ogm<Classification>(options)),
                 {.optimizer = plain_sgd});
    step.set_observer({.on_step =
                           [this](const g2d::Observation& seen) {
                             for (std::size_t m = 0; m < 2; ++m) {
                               kappa.push_back(seen.coefficients[m].item<double>());
                               ratio.push_back(
                                   (seen.modulated_gradient_norms[m] / seen.gradient_norms[m]).item<double>());
                             }
                           },
                       .gradient_norms = true});
    step(samples);
  }

  std::vector<double> kappa, ratio;
};

}  // namespace

TEST_CASE("method::Ogm: holds back encoders of every kind, not those of 2-D convolutions alone",
          "[step][method][ogm]") {
  const std::vector<std::pair<std::string, g2d::Encoder>> encoders{
      {"mlp", linear_tanh(5, 3)},
      {"gru", std::make_shared<g2d::encoder::Gru>(g2d::encoder::GruOptions{.in_features = 5, .hidden = 3})},
      {"transformer", std::make_shared<g2d::encoder::Transformer>(
                          g2d::encoder::TransformerOptions{.in_features = 5, .width = 4, .heads = 2, .layers = 1})},
      {"small cnn", std::make_shared<g2d::encoder::SmallCnn>()}};
  for (const auto& [name, encoder] : encoders) {
    INFO(name);
    torch::manual_seed(3);
    const auto student = make_student({encoder, linear_tanh(2, 3)}, num_outputs, "concat");
    Random random(4, torch::kFloat);
    g2d::Batch samples;
    samples.target = random.labels(num_samples, num_outputs);
    const bool is_sequence = name == "gru" || name == "transformer";
    const std::vector<std::int64_t> sizes = name == "small cnn" ? std::vector<std::int64_t>{num_samples, 1, 28, 28}
                                            : is_sequence       ? std::vector<std::int64_t>{num_samples, 4, 5}
                                                                : std::vector<std::int64_t>{num_samples, 5};
    samples.inputs = {random.normal(sizes), random.normal({num_samples, 2})};
    const OgmStep step(student, samples, {.strength = 0.5});
    CHECK(std::min(step.kappa[0], step.kappa[1]) < 0.9);
    for (std::size_t m = 0; m < 2; ++m) CHECK(step.ratio[m] == Approx(step.kappa[m]).epsilon(1e-4));
  }
}

TEST_CASE("method::official_ogm: scales the weights of 2-D convolutions, and nothing beside them",
          "[step][method][ogm]") {
  const auto official = method::official_ogm(0.5);
  CHECK(official.strength == 0.5);
  CHECK(official.damps_on_tie);
  const auto movements = [](g2d::method::Any method) {
    torch::manual_seed(5);
    const auto student = make_student({std::make_shared<TinyConv>(), std::make_shared<TinyConv>()}, num_outputs);
    Random random(6, torch::kFloat);
    g2d::Batch samples;
    samples.inputs = {random.normal({num_samples, 1, 6, 6}), random.normal({num_samples, 1, 6, 6})};
    samples.target = random.labels(num_samples, num_outputs);
    AnyStep step(*student, std::move(method), {.optimizer = plain_sgd});
    step(samples);
    return snapshot(*student);
  };
  const auto joint = movements(method::Supervised<Classification>());
  const auto held = movements(
      method::Stack(method::Supervised<Classification>(), method::Ogm<Classification>(method::official_ogm(0.5))));
  Names differing;
  for (const auto& [name, value] : joint) {
    if (value != held.at(name)) differing.push_back(name);
  }
  REQUIRE(differing.size() == 1);
  CHECK(differing[0].ends_with("convolution.weight"));
}

TEST_CASE("method::Ogm: scores are those of the samples that have the modality", "[step][method][ogm][presence]") {
  const auto kappa_of = [](at::Tensor present, bool turns_label) {
    const auto student = plain_student("concat");
    AnyStep step(*student,
                 method::Stack(method::Supervised<Classification>(),
                               method::Ogm<Classification>({.strength = 0.5, .filter = {}})),
                 {.optimizer = plain_sgd});
    g2d::PerModality<at::Tensor> kappa;
    step.set_observer({.on_step = [&](const g2d::Observation& seen) { kappa = seen.coefficients; }});
    auto samples = batch(1);
    samples.present = std::move(present);
    if (turns_label) samples.target[2] = samples.target[2].add(1).remainder(num_outputs);
    step(samples);
    const auto reported = [](const at::Tensor& value) { return value.defined() ? value.item<double>() : -1.0; };
    return std::vector<double>{reported(kappa[0]), reported(kappa[1])};
  };
  const auto whole = torch::ones({num_samples, 2}, torch::kBool);
  CHECK(kappa_of(whole, false) == kappa_of({}, false));

  auto holed = whole.clone();
  holed[2].fill_(false);
  CHECK(kappa_of(holed, false) == kappa_of(holed, true));
  CHECK(kappa_of(whole, false) != kappa_of(whole, true));

  // Lacking samples is not being behind.
  const auto student = plain_student("concat");
  auto samples = batch(1);
  samples.present = whole.clone();
  samples.present.narrow(0, 2, 4).select(1, 0).fill_(false);
  const auto unimodal = student->unimodal_logits(student->encode(samples.inputs, samples.present));
  const double audio = Classification().confidence(unimodal[0], samples.target).narrow(0, 0, 2).mean().item<double>();
  const double image = Classification().confidence(unimodal[1], samples.target).mean().item<double>();
  const auto damped = [](double own, double other) { return own > other ? 1.0 - std::tanh(0.5 * own / other) : 1.0; };
  const auto kappa = kappa_of(samples.present, false);
  CHECK(kappa[0] == Approx(damped(audio, image)).epsilon(1e-5));
  CHECK(kappa[1] == Approx(damped(image, audio)).epsilon(1e-5));

  auto silent = whole.clone();
  silent.select(1, 0).fill_(false);
  // The encoder of the one that nobody has is not run: it has no gradients, so no coefficient is reported.
  CHECK(kappa_of(silent, false) == std::vector<double>{-1.0, 1.0});
}

TEST_CASE("method::Ogm: damps the gradients of the modality that is ahead in the batch", "[step][method][ogm]") {
  const auto student = plain_student("concat");
  const auto samples = batch(1);
  const auto unimodal = student->unimodal_logits(student->encode(samples.inputs));
  const auto score = [&](std::size_t m) {
    return Classification().confidence(unimodal[m], samples.target).sum().item<double>();
  };
  const std::size_t ahead = score(0) > score(1) ? 0 : 1;
  AnyStep step(
      *student,
      method::Stack(method::Supervised<Classification>(), method::Ogm<Classification>({.strength = 0.5, .filter = {}})),
      {.optimizer = plain_sgd});
  g2d::PerModality<at::Tensor> kappa;
  double ratio = 0.0;
  step.set_observer({.on_step =
                         [&](const g2d::Observation& seen) {
                           kappa = seen.coefficients;
                           ratio = (seen.modulated_gradient_norms[ahead] / seen.gradient_norms[ahead]).item<double>();
                         },
                     .gradient_norms = true});
  step(samples);
  const double expected = 1.0 - std::tanh(0.5 * score(ahead) / score(1 - ahead));
  CHECK(kappa[ahead].item<double>() == Approx(expected).epsilon(1e-5));
  CHECK(kappa[1 - ahead].item<double>() == 1.0);
  CHECK(ratio == Approx(expected).epsilon(1e-5));
}

TEST_CASE("method::Ogm: at a tie of two nothing is damped, officially the first", "[method][ogm]") {
  const auto tie = torch::tensor({0.5, 0.5}, torch::kDouble);
  CHECK(torch::equal(method::ogm_coefficients(tie, {.strength = 0.5}), torch::ones({2}, torch::kDouble)));
  const auto official = method::ogm_coefficients(tie, {.strength = 0.5, .damps_on_tie = true});
  CHECK(official[0].item<double>() == Approx(1.0 - std::tanh(0.5)));
  CHECK(official[1].item<double>() == 1.0);
}

TEST_CASE("method::Ogm: among several that are equal nobody is damped, whatever their sum is rounded to",
          "[method][ogm]") {
  torch::manual_seed(4);
  for (const std::int64_t num_modalities : {3, 4, 5, 7}) {
    const auto scores = torch::rand({200}).mul(16.0);
    for (const auto& score : scores.unbind()) {
      const auto coefficients = method::ogm_coefficients(score.expand({num_modalities}), {.strength = 0.5});
      CHECK(torch::equal(coefficients, torch::ones({num_modalities})));
    }
  }
}

TEST_CASE("method::Ogm: with noise, adds noise of the gradients' own size to all modalities", "[method][ogm]") {
  torch::manual_seed(12);
  std::vector<g2d::ParameterGroup> groups;
  std::vector<at::Tensor> before;
  for (std::size_t m = 0; m < 2; ++m) {
    auto parameter = torch::zeros({20000});
    parameter.mutable_grad() = (m == 0 ? 0.3 : 2.0) * torch::randn({20000}) + 1.0;
    before.push_back(parameter.grad().clone());
    groups.push_back({"encoder", g2d::ParameterGroup::Role::Encoder, {m}, {parameter}, 1.0});
  }
  const auto modality_names = names(2);
  g2d::method::GradientView view(groups, modality_names);
  g2d::Batch samples;
  samples.target = torch::zeros({1}, torch::kLong);
  g2d::method::Outputs outputs;
  outputs.unimodal = {torch::tensor({{2.0, 0.0}}), torch::tensor({{0.0, 0.0}})};
  method::Ogm<Classification>({.strength = 0.4, .adds_noise = true, .filter = {}})
      .gradients({0, 0, samples, nullptr}, outputs, view);
  for (std::size_t m = 0; m < 2; ++m) {
    const double kappa = view.coefficients()[m].item<double>();
    CHECK((m == 0 ? kappa < 1.0 : kappa == 1.0));
    const auto noise = groups[m].parameters[0].grad() - kappa * before[m];
    CHECK(noise.std().item<double>() == Approx(before[m].std().item<double>()).epsilon(0.03));
    CHECK(std::abs(noise.mean().item<double>()) < 0.05);
  }
}

namespace {

struct Recorder {
  std::string name;
  std::shared_ptr<Names> calls;

  void begin(const g2d::method::Setup& /*setup*/) { calls->push_back(name + " begin"); }
  void plan(std::int64_t epoch, g2d::method::Plan& plan) {
    calls->push_back(fmt::format("{} plan {}", name, epoch));
    plan.controls[0].combine({.gradient_scale = torch::tensor(0.5, torch::kDouble)});
  }
  void loss(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& outputs,
            g2d::method::Terms& terms) {
    calls->push_back(name + " loss");
    terms.push_back({"recorded", {}, outputs.fused.square().mean(), 1.0});
  }
  void gradients(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& /*outputs*/,
                 g2d::method::GradientView& /*view*/) {
    calls->push_back(name + " gradients");
  }
};

}  // namespace

TEST_CASE("method::Stack: hooks run in order, scales multiply, and a window skips all but begin", "[step][method]") {
  const auto calls = std::make_shared<Names>();
  const auto student = plain_student();
  AnyStep step(*student,
               method::Stack(Recorder{"a", calls}, method::Window(Recorder{"b", calls}, {.first = 1, .last = 1})),
               {.num_epochs = 3});
  CHECK(*calls == Names{"a begin", "b begin", "a plan 0"});
  calls->clear();
  step(batch(1));
  CHECK(*calls == Names{"a loss", "a gradients"});
  calls->clear();
  step.begin_epoch(1);
  CHECK(step.plan().controls[0].gradient_scale.item<double>() == 0.25);
  CHECK_FALSE(step.plan().controls[1].gradient_scale.defined());
  step(batch(1));
  CHECK(*calls == Names{"a plan 1", "b plan 1", "a loss", "b loss", "a gradients", "b gradients"});
  step.begin_epoch(2);
  CHECK(step.plan().controls[0].gradient_scale.item<double>() == 0.5);
}

TEST_CASE("Step: takes policies that only know the contracts", "[step][user]") {
  torch::manual_seed(13);
  using Method = method::Stack<
      method::Supervised<user::AbsoluteTask>,
      method::Distillation<user::AbsoluteTask, user::HuberDistillation, user::HuberDistillation, user::ScaleConnector>,
      method::Prioritization<user::TurnsSchedule>, user::FeaturePenalty>;
  const user::ProductFusion fusion({names(2), {3, 3}, num_outputs});
  const g2d::Encoder audio(linear_tanh(5, 3));
  const g2d::Encoder image(std::make_shared<user::CosineEncoder>(2, 3), {.feature_width = 3});
  g2d::BasicStudent<user::ProductFusion, user::HalvedReadout> student(fusion, {audio, image});
  g2d::Step<g2d::BasicStudent<user::ProductFusion, user::HalvedReadout>, Method> step(
      student,
      Method(method::Supervised<user::AbsoluteTask>(),
             method::Distillation<user::AbsoluteTask, user::HuberDistillation, user::HuberDistillation,
                                  user::ScaleConnector>(),
             method::Prioritization<user::TurnsSchedule>(), user::FeaturePenalty()),
      {.num_epochs = 2}, summary);
  const auto samples = batch(1, OutputKind::Values);
  const auto outputs = teachers(1);
  const auto before = snapshot(student);
  const auto result = step(samples, &outputs);
  CHECK(result.terms.size() == 1 + 4 + 2);
  CHECK(changed(before, student).size() == before.size());
  CHECK(before.count("fusion.product.weight") == 1);
  CHECK(step.method().get<3>().seen == 4);
  CHECK(step.plan().controls[0].gradient_scale.item<double>() == 0.5);
  CHECK(step.parameter_groups().back().name == "method");
  CHECK_REPORT(compare(student.unimodal_logits(student.encode(samples.inputs))[0],
                       0.5 * student.forward(samples.inputs), "readout", 0.0));

  const g2d::AnyStudent erased(g2d::fusion::Any(fusion), {audio, image}, g2d::readout::Any(user::HalvedReadout()));
  CHECK_REPORT(compare(erased.unimodal_logits(erased.encode(samples.inputs))[0],
                       student.unimodal_logits(student.encode(samples.inputs))[0], "erased", 0.0));
}

TEST_CASE("Student: with M known at compile time is the same model", "[student]") {
  torch::manual_seed(14);
  const auto audio = std::make_shared<NormDropout>(5);
  const auto image = linear_tanh(2, 3);
  g2d::Student<fusion::Concat, NormDropout, g2d::encoder::Mlp> student({"audio", "image"}, num_outputs, audio, image);
  CHECK(decltype(student)::static_modalities == 2);
  CHECK(&student.encoder_module<0>() == audio.get());
  CHECK(student.encoder_module<1>().feature_width() == 3);
  CHECK(student.named_parameters().keys() ==
        Names{"encoders.audio.first.weight", "encoders.audio.first.bias", "encoders.audio.norm.weight",
              "encoders.audio.norm.bias", "encoders.audio.second.weight", "encoders.audio.second.bias",
              "encoders.image.fc1.weight", "encoders.image.fc1.bias", "fusion.output.weight", "fusion.output.bias"});
  const auto samples = batch(1);
  torch::manual_seed(15);
  const auto logits = student.forward(samples.inputs);
  g2d::AnyStudent any(g2d::fusion::Any(student.fusion()), {audio, image}, readout::Auto());
  torch::manual_seed(15);
  CHECK(torch::equal(any.forward(samples.inputs), logits));
  const std::array<g2d::Input, 2> array{samples.inputs[0], samples.inputs[1]};
  torch::manual_seed(15);
  CHECK(torch::equal(student.forward(array), logits));
}
