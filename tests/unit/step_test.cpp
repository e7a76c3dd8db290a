// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// One training step: what it computes, what it hands out, and that a bad one leaves nothing behind.

#include "support/catch.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <g2d/distillation/connector/projection.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/ogm.hpp>

#include "support/check_report.hpp"
#include "support/optimizers.hpp"
#include "support/snapshot.hpp"
#include "unit/step_case.hpp"

using namespace g2d_test;

// --- steps that must not count ---

namespace {

struct Bad {
  std::string what;
  g2d::Batch samples;
  g2d::TeacherOutputs outputs;
};

void check_bad_batches(at::Device device) {
  const auto random = [&](std::uint64_t number) { return Random(number, torch::dtype(torch::kFloat).device(device)); };
  const auto batch_there = [&](std::uint64_t number) {
    return random(number).batch(OutputKind::Values, num_samples, input_widths, num_outputs);
  };
  const auto teachers_there = [&](std::uint64_t number) {
    return random(1000 + number).teachers(num_samples, {3, 3}, num_outputs);
  };
  const auto make = [&](const std::string& what, auto&& change) {
    Bad bad{what, batch_there(7), teachers_there(7)};
    change(bad);
    return bad;
  };
  std::vector<Bad> bads{
      make("NaN in audio",
           [](Bad& bad) { bad.samples.inputs[0].values = with(bad.samples.inputs[0].values, not_a_number); }),
      make("infinity in audio",
           [](Bad& bad) { bad.samples.inputs[0].values = with(bad.samples.inputs[0].values, infinity); }),
      make("NaN in image",
           [](Bad& bad) { bad.samples.inputs[1].values = with(bad.samples.inputs[1].values, not_a_number); }),
      make("NaN in a teacher's features",
           [](Bad& bad) { bad.outputs.features[1] = with(bad.outputs.features[1], not_a_number); }),
      make("NaN in a teacher's logits",
           [](Bad& bad) { bad.outputs.logits[0] = with(bad.outputs.logits[0], not_a_number); })};
  // In host memory targets are read, and refused.
  if (!device.is_cpu()) {
    bads.push_back(
        make("NaN in the target", [](Bad& bad) { bad.samples.target = with(bad.samples.target, not_a_number); }));
  }
  for (const auto& [name, settings] : optimizers()) {
    INFO(name);
    for (const auto check : {g2d::FiniteCheck::Loss, g2d::FiniteCheck::Gradients}) {
      const auto interrupted = mixed_student();
      const auto smooth = mixed_student();
      interrupted->to(device);
      smooth->to(device);
      const method::G2d<Regression, distillation::Mse, distillation::Mse, schedule::Joint> regression;
      const g2d::StepOptions options{.optimizer = settings, .clip_norm = 1.0, .finite_check = check};
      AnyStep step(*interrupted, regression, options, summary);
      AnyStep undisturbed(*smooth, regression, options, summary);
      const auto good_step = [&](AnyStep& which, std::uint64_t number) {
        const auto outputs = teachers_there(number);
        return take(which, batch_there(number), &outputs, number);
      };
      CHECK_FALSE(good_step(step, 1).is_skipped.item<bool>());
      good_step(undisturbed, 1);
      for (const auto& bad : bads) {
        INFO(bad.what);
        const auto before = snapshot(*interrupted);
        const auto result = take(step, bad.samples, &bad.outputs, 2);
        CHECK(result.is_skipped.item<bool>());
        CHECK_FALSE(std::isfinite(result.total.item<double>()));
        CHECK(changed(before, *interrupted).empty());
        for (const auto& parameter : interrupted->parameters()) CHECK_FALSE(parameter.grad().defined());
      }
      for (std::uint64_t number = 3; number < 6; ++number) {
        CHECK_FALSE(good_step(step, number).is_skipped.item<bool>());
        good_step(undisturbed, number);
      }
      // The optimizer's state too is as if the bad steps had not been.
      CHECK(changed(snapshot(*smooth), *interrupted).empty());
    }
  }
}

}  // namespace

TEST_CASE("Step: a batch that is not finite changes nothing, and the next one goes on", "[step][finite]") {
  check_bad_batches(torch::kCPU);
}

TEST_CASE("Step: a batch that is not finite changes nothing on the accelerator", "[step][finite][device]") {
  check_bad_batches(accelerator());
}

namespace {

/// A finite loss whose gradient is not: sqrt at 0.
struct SteepLoss {
  void loss(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& outputs,
            g2d::method::Terms& terms) {
    terms.push_back({"steep", {}, outputs.fused.sub(outputs.fused.detach()).square().sum().sqrt(), 1.0});
  }
};

bool is_finite(const torch::nn::Module& module) {
  for (const auto& parameter : module.parameters()) {
    if (!torch::isfinite(parameter).all().item<bool>()) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("Step: FiniteCheck says whether the loss, the gradients too, or nothing is looked at", "[step][finite]") {
  const auto run = [](g2d::FiniteCheck check) {
    const auto student = mixed_student();
    AnyStep step(*student, method::Stack(SteepLoss()), {.finite_check = check});
    const auto before = snapshot(*student);
    const auto result = take(step, batch(1), nullptr, 1);
    return std::tuple(result.is_skipped.defined() ? result.is_skipped.item<bool>() : false,
                      changed(before, *student).empty(), is_finite(*student));
  };
  CHECK(run(g2d::FiniteCheck::Gradients) == std::tuple(true, true, true));
  CHECK(run(g2d::FiniteCheck::Loss) == std::tuple(false, false, false));
  CHECK(run(g2d::FiniteCheck::Off) == std::tuple(false, false, false));

  const auto student = mixed_student();
  AnyStep unchecked(*student, method::JointTraining<Classification>(), {.finite_check = g2d::FiniteCheck::Off});
  CHECK_FALSE(unchecked(batch(1)).is_skipped.defined());
}

namespace {

/// Throws from the hook that it is told to, once it is armed.
struct Thrower {
  std::string hook;
  std::shared_ptr<bool> is_armed = std::make_shared<bool>(false);

  void loss(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& /*outputs*/,
            g2d::method::Terms& /*terms*/) {
    maybe("loss");
  }
  void gradients(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& /*outputs*/,
                 g2d::method::GradientView& /*view*/) {
    maybe("gradients");
  }
  void control_batch(const g2d::method::StepContext& /*context*/, g2d::method::Controls& /*controls*/) {
    maybe("control_batch");
  }
  void maybe(std::string_view here) const {
    if (*is_armed && hook == here) throw std::runtime_error("armed");
  }
};

}  // namespace

TEST_CASE("Step: an exception in a step leaves everything as it was", "[step]") {
  for (const auto& [name, settings] : optimizers()) {
    INFO(name);
    for (const std::string where : {"encoder", "control_batch", "loss", "gradients", "observer", "label"}) {
      INFO(where);
      const auto build = [] {
        torch::manual_seed(3);
        const auto audio = std::make_shared<NormDropout>(input_widths[0]);
        const auto image = std::make_shared<Fragile>(input_widths[1]);
        return std::pair(make_student({audio, image}, num_outputs), image);
      };
      const auto [student, fragile] = build();
      const auto [smooth, unused] = build();
      student->train();
      smooth->train();
      const Thrower thrower{where};
      AnyStep step(*student, method::Stack(method::Supervised<Classification>(), thrower), {.optimizer = settings});
      AnyStep undisturbed(*smooth, method::JointTraining<Classification>(), {.optimizer = settings});
      take(step, batch(1), nullptr, 1);
      take(undisturbed, batch(1), nullptr, 1);

      const auto before = snapshot(*student);
      fragile->breaks = where == "encoder";
      *thrower.is_armed = true;
      if (where == "observer")
        step.set_observer({.on_step = [](const g2d::Observation&) { throw std::runtime_error("seen"); }});
      auto samples = batch(2);
      if (where == "label") samples.target[0] = num_outputs;
      CHECK_THROWS(take(step, samples, nullptr, 2));
      CHECK(changed(before, *student).empty());
      for (const auto& parameter : student->parameters()) CHECK_FALSE(parameter.grad().defined());

      fragile->breaks = false;
      *thrower.is_armed = false;
      step.set_observer({});
      take(step, batch(3), nullptr, 3);
      take(undisturbed, batch(3), nullptr, 3);
      CHECK(changed(snapshot(*smooth), *student).empty());
    }
  }
}

TEST_CASE("Step: an exception in a suppressed encoder leaves its norm statistics and modes as they were",
          "[step][suppression]") {
  torch::manual_seed(4);
  const auto fragile = std::make_shared<Fragile>(input_widths[0]);
  const auto student = make_student({fragile, linear_tanh(input_widths[1], 3)}, num_outputs);
  student->train();
  using suppression::NormStatistics;
  const ScriptedSchedule<suppression::Complete> frozen{{{true, false}}, suppression::Complete({NormStatistics::Batch})};
  AnyStep step(*student, method::Stack(method::Supervised<Classification>(), method::Prioritization(frozen)), {});
  fragile->breaks = true;
  const auto before = snapshot(*student);
  CHECK_THROWS_AS(step(batch(1)), std::runtime_error);
  CHECK(changed(before, *student).empty());
  CHECK(fragile->inner->dropout->is_training());
}

// --- the update ---

TEST_CASE("Step: is the step that LibTorch's own optimizers take, with SGD bit by bit", "[step][optimizer]") {
  // Multiples of 16, so that both kernels use vectors alone: they round the remainder of a tensor differently.
  const std::vector<std::int64_t> wide_inputs{16, 32};
  const auto wide_student = [&] {
    torch::manual_seed(2);
    return make_student(tanh_encoders(wide_inputs, {16, 16}), 16);
  };
  auto all = optimizers();
  all.emplace_back("SGD without anything",
                   g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = 0.0, .weight_decay = 0.0});
  for (const auto& [name, settings] : all) {
    INFO(name);
    const auto own = wide_student();
    const auto theirs = wide_student();
    AnyStep step(*own, method::JointTraining<Classification>(), {.optimizer = settings});
    std::unique_ptr<torch::optim::Optimizer> optimizer;
    bool is_sgd = false;
    if (const auto* sgd = std::get_if<g2d::optimizer::Sgd>(&settings)) {
      is_sgd = true;
      optimizer = std::make_unique<torch::optim::SGD>(theirs->parameters(), torch::optim::SGDOptions(sgd->learning_rate)
                                                                                .momentum(sgd->momentum)
                                                                                .weight_decay(sgd->weight_decay)
                                                                                .nesterov(sgd->nesterov));
    } else if (const auto* adam = std::get_if<g2d::optimizer::Adam>(&settings)) {
      optimizer = std::make_unique<torch::optim::Adam>(
          theirs->parameters(), torch::optim::AdamOptions(adam->learning_rate).weight_decay(adam->weight_decay));
    } else {
      const auto& adamw = std::get<g2d::optimizer::AdamW>(settings);
      optimizer = std::make_unique<torch::optim::AdamW>(
          theirs->parameters(), torch::optim::AdamWOptions(adamw.learning_rate).weight_decay(adamw.weight_decay));
    }
    for (std::uint64_t number = 0; number < 6; ++number) {
      const auto samples = Random(number, torch::kFloat).batch(OutputKind::Classes, num_samples, wide_inputs, 16);
      const auto result = step(samples);
      optimizer->zero_grad();
      const auto loss = torch::cross_entropy_loss(theirs->forward(samples.inputs), samples.target);
      loss.backward();
      optimizer->step();
      CHECK_REPORT(compare(result.total, loss, "loss", is_sgd ? 0.0 : 1e-6));
    }
    const auto expected = theirs->named_parameters();
    for (const auto& parameter : own->named_parameters()) {
      INFO(parameter.key());
      if (is_sgd) {
        CHECK(torch::equal(parameter.value(), expected[parameter.key()]));
      } else {
        CHECK_REPORT(compare(parameter.value(), expected[parameter.key()], "parameter", 1e-6));
      }
    }
  }
}

namespace {

/// One layer under two names.
struct TiedEncoder : torch::nn::Module {
  explicit TiedEncoder(std::int64_t width)
      : first(register_module("first", torch::nn::Linear(width, width))),
        second(register_module("second", first.ptr())) {}
  at::Tensor forward(const at::Tensor& x) { return second->forward(first(x).tanh()); }
  [[nodiscard]] std::int64_t feature_width() const { return first->options.out_features(); }

  torch::nn::Linear first;
  std::shared_ptr<torch::nn::LinearImpl> second;
};

/// Lists one trained factor for each modality, which is the same tensor, and a tensor of the student's.
struct OneFactor {
  at::Tensor of_student;
  at::Tensor factor = torch::ones({}).requires_grad_();

  void loss(const g2d::method::StepContext& /*context*/, const g2d::method::Outputs& outputs,
            g2d::method::Terms& terms) {
    terms.push_back({"scaled", {}, outputs.fused.detach().square().mean() * factor, 1.0});
  }
  [[nodiscard]] g2d::Parameters parameters() const {
    return {{"audio.factor", factor, 0}, {"image.factor", factor, 1}, {"bias", of_student, {}}};
  }
};

}  // namespace

TEST_CASE("Step: a tensor that bears several names is clipped and updated once", "[step][optimizer]") {
  torch::manual_seed(6);
  const auto student =
      make_student({std::make_shared<TiedEncoder>(input_widths[0]), linear_tanh(input_widths[1], 3)}, num_outputs);
  const OneFactor one_factor{student->fusion().parameters()[0].value};
  auto parameters = student->parameters();
  parameters.push_back(one_factor.factor);
  const auto samples = batch(1);
  for (const double clip_norm : {0.0, 0.01}) {
    INFO("clip_norm " << clip_norm);
    const auto fused = student->forward(samples.inputs);
    (Classification().loss(fused, samples.target) + fused.detach().square().mean() * one_factor.factor).backward();
    std::map<at::TensorImpl*, at::Tensor> gradients;
    double square_norm = 0.0;
    for (const auto& parameter : parameters) {
      const bool is_new = gradients.emplace(parameter.unsafeGetTensorImpl(), parameter.grad().clone()).second;
      if (is_new) square_norm += parameter.grad().square().sum().item<double>();
    }
    const double scale = clip_norm > 0.0 ? clip_norm / std::sqrt(square_norm) : 1.0;
    std::vector<at::Tensor> expected;
    for (const auto& parameter : parameters) {
      expected.push_back(parameter.detach() - scale * gradients.at(parameter.unsafeGetTensorImpl()));
    }
    for (const auto& parameter : parameters) parameter.mutable_grad().reset();
    AnyStep step(*student, method::Stack(method::Supervised<Classification>(), one_factor),
                 {.optimizer = plain_sgd, .clip_norm = clip_norm});
    step(samples);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      CHECK_REPORT(compare(parameters[i], expected[i], "parameter", 1e-5));
    }
  }
}

TEST_CASE("Step: learning rates are the optimizer's times the schedule's times the encoder's", "[step][optimizer]") {
  const auto movement = [](double factor, double schedule_factor) {
    torch::manual_seed(5);
    const auto audio = linear_tanh(input_widths[0], 3);
    const g2d::Encoder encoder(audio, {.learning_rate_factor = factor});
    const auto student = make_student({encoder, linear_tanh(input_widths[1], 3)}, num_outputs);
    AnyStep step(*student, method::JointTraining<Classification>(), {.optimizer = plain_sgd});
    step.set_learning_rate_factor(schedule_factor);
    CHECK(step.learning_rate() == schedule_factor);
    const auto before_audio = audio->parameters()[0].detach().clone();
    const auto before_head = student->fusion().parameters()[0].value.detach().clone();
    step(batch(1));
    return std::pair(audio->parameters()[0].detach() - before_audio,
                     student->fusion().parameters()[0].value.detach() - before_head);
  };
  const auto [audio, head] = movement(1.0, 1.0);
  const auto [slow_audio, slow_head] = movement(0.1, 0.5);
  CHECK_REPORT(compare(slow_audio, 0.05 * audio, "audio", 1e-6));
  CHECK_REPORT(compare(slow_head, 0.5 * head, "head", 1e-6));
}

TEST_CASE("Step: gradients are clipped to one norm of all of them together", "[step][optimizer]") {
  const auto movement = [](double clip_norm) {
    const auto student = plain_student();
    std::vector<at::Tensor> before;
    for (const auto& parameter : student->parameters()) before.push_back(parameter.detach().clone());
    AnyStep step(*student, method::JointTraining<Classification>(), {.optimizer = plain_sgd, .clip_norm = clip_norm});
    step(batch(1));
    std::vector<at::Tensor> moved;
    for (std::size_t i = 0; i < before.size(); ++i)
      moved.push_back((student->parameters()[i].detach() - before[i]).flatten());
    return torch::cat(moved);
  };
  const auto free = movement(0.0);
  const double norm = free.norm().item<double>();
  CHECK_REPORT(compare(movement(2.0 * norm), free, "unclipped", 0.0));
  CHECK_REPORT(compare(movement(0.5 * norm), 0.5 * free, "clipped", 1e-5));
}

// --- what it hands out ---

namespace {

/// Counts how often it is asked.
struct CountingReadout {
  std::shared_ptr<int> calls = std::make_shared<int>(0);

  template <g2d::fusion::FusionPolicy Fusion>
  [[nodiscard]] g2d::PerModality<at::Tensor> unimodal_logits(const Fusion& fusion,
                                                             g2d::ModalitySpan<at::Tensor> features) const {
    ++*calls;
    return readout::Auto().unimodal_logits(fusion, features);
  }
};

}  // namespace

TEST_CASE("Step: without an observer, and for a method that asks for none, no unimodal output is computed",
          "[step][observer]") {
  torch::manual_seed(6);
  const CountingReadout counting;
  const g2d::FusionShape shape(names(2), {3, 3}, num_outputs);
  g2d::AnyStudent student(g2d::fusion::make("late", shape), tanh_encoders(input_widths, {3, 3}), counting);
  AnyStep step(student, method::JointTraining<Classification>(), {});
  step(batch(1));
  CHECK(*counting.calls == 0);
  bool is_empty = false;
  step.set_observer({.on_step = [&](const g2d::Observation& seen) {
    is_empty = seen.outputs.unimodal.empty() && seen.gradient_norms.empty();
  }});
  step(batch(1));
  CHECK(*counting.calls == 0);
  CHECK(is_empty);
  step.set_observer(
      {.on_step = [&](const g2d::Observation& seen) { is_empty = seen.outputs.unimodal.empty(); }, .unimodal = true});
  step(batch(1));
  CHECK(*counting.calls == 1);
  CHECK_FALSE(is_empty);
  AnyStep ogm(student, method::Stack(method::Supervised<Classification>(), method::Ogm<Classification>()), {});
  ogm(batch(1));
  CHECK(*counting.calls == 2);
}

TEST_CASE("Step: an observer sees terms, outputs, controls, coefficients and gradient norms", "[step][observer]") {
  const auto student = plain_student("sum");
  const auto zeroing = suppression::ZeroedGradients({.filter = {}});
  const schedule::Sequential<suppression::ZeroedGradients> sequential({.order = schedule::Order::Declared}, zeroing);
  const method::G2d<Classification, distillation::Cosine, distillation::Kl,
                    schedule::Sequential<suppression::ZeroedGradients>>
      g2d_method({.feature_weight = 0.5, .logit_weight = 2.0}, Classification(), distillation::Cosine(),
                 distillation::Kl(), sequential);
  AnyStep step(*student, g2d_method, {.optimizer = plain_sgd, .num_epochs = 3}, summary);
  const auto samples = batch(1);
  const auto outputs = teachers(1);
  const auto features = student->encode(samples.inputs);
  const auto fused = student->fuse(features).logits.detach();
  const auto unimodal = student->unimodal_logits(features);
  const auto before = student->parameters()[0].detach().clone();
  int calls = 0;
  double norm = 0.0;
  step.set_observer(
      {.on_step =
           [&](const g2d::Observation& seen) {
             ++calls;
             CHECK(seen.epoch == 0);
             CHECK(seen.step == 0);
             REQUIRE(seen.terms.size() == 5);
             CHECK(seen.terms[0].name == "task");
             CHECK_FALSE(seen.terms[0].modality.has_value());
             CHECK(seen.terms[1].name == "feature");
             CHECK(seen.terms[1].modality == 0);
             CHECK(seen.terms[1].weight == 0.5);
             CHECK(seen.terms[4].name == "logit");
             CHECK(seen.terms[4].modality == 1);
             CHECK(seen.terms[4].weight == 2.0);
             CHECK(torch::equal(seen.terms[1].value.detach(),
                                distillation::Cosine()(features[0], outputs.features[0]).detach()));
             CHECK(torch::allclose(seen.terms[4].value.detach(), distillation::Kl()(fused, outputs.logits[1])));
             double total = 0.0;
             for (const auto& term : seen.terms) total += term.weight * term.value.item<double>();
             CHECK(seen.total.item<double>() == Approx(total));
             CHECK(torch::equal(seen.outputs.fused.detach(), fused));
             CHECK(torch::equal(seen.outputs.unimodal[1].detach(), unimodal[1].detach()));
             CHECK(torch::equal(seen.outputs.features[0].detach(), features[0].detach()));
             CHECK(seen.teachers == &outputs);
             CHECK(seen.coefficients[0].item<double>() == 1.0);
             CHECK(seen.coefficients[1].item<double>() == 0.0);
             CHECK_FALSE(seen.controls[0].frozen);
             norm = seen.gradient_norms[0].item<double>();
             CHECK(seen.gradient_norms[1].item<double>() > 0.0);
             CHECK(seen.modulated_gradient_norms[0].item<double>() == norm);
             CHECK(seen.modulated_gradient_norms[1].item<double>() == 0.0);
           },
       .unimodal = true,
       .gradient_norms = true});
  step(samples, &outputs);
  CHECK(calls == 1);
  const auto moved = student->parameters()[0].detach() - before;
  CHECK(moved.norm().item<double>() > 0.0);
  CHECK(moved.norm().item<double>() <= norm * (1.0 + 1e-6));
}

TEST_CASE("Step: an encoder that the caller froze makes no backward pass, nor is one counted", "[step]") {
  for (const auto absent : {g2d::AbsentFeatures::Zero, g2d::AbsentFeatures::Learned}) {
    const auto student = plain_student("late", "auto", {.absent_features = absent});
    AnyStep step(*student, method::JointTraining<Classification>(), {});
    auto samples = batch(1);
    samples.present = torch::ones({num_samples, 2}, torch::kBool);
    const auto parameters = student->encoder(0).module()->parameters();
    parameters[0].requires_grad_(false);
    step(samples);
    CHECK(step.work().backwards == g2d::PerModality<std::int64_t>{num_samples, num_samples});
    for (const auto& parameter : parameters) parameter.requires_grad_(false);
    step(samples);
    CHECK(step.work().backwards == g2d::PerModality<std::int64_t>{num_samples, 2 * num_samples});
  }
}

namespace {

/// A head that shares a matrix with the encoder of the first modality: z = relu(h_0) W_0 + sum of the rest.
struct TiedHead {
  g2d::FusionShape own_shape;
  at::Tensor tied;
  at::Tensor head = torch::full({3, num_outputs}, 0.1).requires_grad_();

  [[nodiscard]] g2d::fusion::Output forward(g2d::ModalitySpan<at::Tensor> features) const {
    const auto hidden = features[0].add(tied.select(1, 0)).add(features[1]);
    return {hidden.mm(head), {features.begin(), features.end()}};
  }
  [[nodiscard]] g2d::Parameters parameters() const { return {{"tied", tied, {}}, {"head", head, {}}}; }
  [[nodiscard]] const g2d::FusionShape& shape() const { return own_shape; }
};

/// A penalty on everything that the student has, and a hook that hands out gradients of its own.
struct Meddles {
  bool is_hook = false;
  std::vector<at::Tensor> all;

  void begin(const method::Setup& setup) {
    for (const auto& group : setup.student->parameter_groups())
      all.insert(all.end(), group.parameters.begin(), group.parameters.end());
  }
  void loss(const method::StepContext&, const method::Outputs&, method::Terms& terms) {
    auto sum = torch::zeros({});
    for (const auto& parameter : all) sum = sum + parameter.square().sum();
    if (!is_hook) terms.push_back({"penalty", {}, sum, 0.1});
  }
  void gradients(const method::StepContext&, const method::Outputs&, method::GradientView& view) {
    if (!is_hook) return;
    for (const auto& group : view.groups()) {
      for (const auto& parameter : group.parameters) parameter.mutable_grad() = torch::ones_like(parameter);
    }
  }
};

std::vector<std::string> changed_of(const Names& names, const std::string& prefix) {
  Names found;
  for (const auto& name : names) {
    if (name.starts_with(prefix)) found.push_back(name);
  }
  return found;
}

}  // namespace

TEST_CASE("Step: nothing frozen is updated, whoever gave it a gradient", "[step][suppression]") {
  const ScriptedSchedule<suppression::Complete> first_frozen{{{true, false}}, suppression::Complete()};
  const auto take_one = [&](g2d::AnyStudent& student, bool is_hook, double clip_norm) {
    const method::Prioritization<ScriptedSchedule<suppression::Complete>> freezing(first_frozen);
    const method::Stack meddling(method::Supervised<Classification>(), freezing, Meddles{is_hook, {}});
    AnyStep step(student, meddling, {.optimizer = g2d::optimizer::Adam{}, .clip_norm = clip_norm});
    step.set_observer({.on_step =
                           [](const g2d::Observation& seen) {
                             CHECK(seen.gradient_norms[0].item<double>() == 0.0);
                             CHECK(seen.gradient_norms[1].item<double>() > 0.0);
                           },
                       .gradient_norms = true});
    for (std::uint64_t number = 1; number < 4; ++number) take(step, batch(number), nullptr, number);
  };
  for (const bool is_hook : {false, true}) {
    INFO((is_hook ? "a hook" : "a penalty"));
    const auto student = mixed_student();
    const auto before = snapshot(*student);
    take_one(*student, is_hook, 1.0);
    const auto moved = changed(before, *student);
    CHECK(changed_of(moved, "encoders.audio") == Names());
    CHECK_FALSE(changed_of(moved, "encoders.image").empty());
    CHECK_FALSE(changed_of(moved, "fusion").empty());
  }

  const auto encoder = linear_tanh(input_widths[0], 3);
  std::vector<g2d::Encoder> encoders{encoder, linear_tanh(input_widths[1], 3)};
  const TiedHead tied{g2d::FusionShape(names(2), {3, 3}, num_outputs), encoder->parameters()[0]};
  g2d::AnyStudent student(g2d::fusion::Any(tied), encoders, readout::MaskedForward());
  const auto before = snapshot(student);
  take_one(student, false, 0.0);
  CHECK(changed_of(changed(before, student), "encoders.audio") == Names());
  CHECK(tied.tied.sub(encoder->parameters()[0]).abs().sum().item<double>() == 0.0);
}

TEST_CASE("Step: a gradient that the caller left on a frozen parameter moves nothing", "[step]") {
  const auto student = plain_student();
  auto parameters = student->encoder(0).module()->parameters();
  for (auto& parameter : parameters) {
    parameter.mutable_grad() = torch::ones_like(parameter);
    parameter.requires_grad_(false);
  }
  const auto before = snapshot(*student->encoder(0).module());
  AnyStep step(*student, method::JointTraining<Classification>(), {.optimizer = plain_sgd});
  step(batch(1));
  CHECK(changed(before, *student->encoder(0).module()) == Names());
}

TEST_CASE("Step: a new run starts anew", "[step]") {
  const auto student = plain_student();
  AnyStep step(*student, method::JointTraining<Classification>(), {.optimizer = g2d::optimizer::Adam{}});
  const auto first = snapshot(*student);
  const auto steps = [&] {
    for (std::uint64_t number = 1; number < 4; ++number) step(batch(number));
    return snapshot(*student);
  };
  const auto parameters = student->parameters();
  std::vector<at::Tensor> values;
  for (const auto& parameter : parameters) values.push_back(parameter.detach().clone());
  const auto put_back = [&] {
    const at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < values.size(); ++i) parameters[i].copy_(values[i]);
  };
  const auto once = steps();
  put_back();
  CHECK(steps() != once);  // With the moments of the steps before.
  put_back();
  step.begin_run();
  CHECK(step.num_steps() == 0);
  CHECK(step.work().updates == 0);
  CHECK(steps() == once);
}

TEST_CASE("Step: counts its steps, and plans an epoch when it begins", "[step]") {
  const auto student = plain_student();
  AnyStep step(*student,
               method::Stack(method::Supervised<Classification>(),
                             method::Prioritization(schedule::Sequential<>({.order = schedule::Order::Declared}))),
               {.num_epochs = 3});
  CHECK_FALSE(step.plan().controls[0].frozen);
  CHECK(step.plan().controls[1].frozen);
  step.begin_epoch(1);
  CHECK(step.plan().controls[0].frozen);
  step.begin_epoch(2);
  CHECK_FALSE(step.plan().controls[0].frozen);
  CHECK_FALSE(step.plan().controls[1].frozen);
  CHECK(step.num_steps() == 0);
  const auto result = step(batch(1));
  step(batch(2));
  CHECK(step.num_steps() == 2);
  CHECK_FALSE(result.total.requires_grad());
  CHECK_FALSE(result.fused.requires_grad());
  CHECK(result.fused.sizes() == at::IntArrayRef{num_samples, num_outputs});
}

// --- presence, sequences, connectors, weights ---

TEST_CASE("Step: absent samples enter neither distillation nor, whatever stands in their place, anything else",
          "[step][presence]") {
  const auto present =
      torch::tensor({{true, true}, {false, true}, {true, true}, {true, false}, {false, true}, {true, true}});
  for (const auto absent : {g2d::AbsentFeatures::Zero, g2d::AbsentFeatures::Mean, g2d::AbsentFeatures::Learned}) {
    const auto run = [&](double placeholder) {
      const auto student = mixed_student("late", {.absent_features = absent});
      const method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Joint> g2d_method;
      AnyStep step(*student, g2d_method, {}, summary);
      auto samples = batch(1);
      auto outputs = teachers(1);
      samples.present = present;
      for (std::size_t m = 0; m < 2; ++m) {
        const auto is_absent = present.select(1, static_cast<std::int64_t>(m)).logical_not().unsqueeze(1);
        samples.inputs[m].values = samples.inputs[m].values.masked_fill(is_absent, placeholder);
        outputs.features[m] = outputs.features[m].masked_fill(is_absent, placeholder);
        outputs.logits[m] = outputs.logits[m].masked_fill(is_absent, placeholder);
      }
      const auto result = take(step, samples, &outputs, 1);
      CHECK_FALSE(result.is_skipped.item<bool>());
      return snapshot(*student);
    };
    const auto zeros = run(0.0);
    CHECK(run(1e4) == zeros);
    CHECK(run(not_a_number) == zeros);
  }
}

TEST_CASE("Step: distillation is the mean over the samples that have the modality", "[step][presence]") {
  const auto student = plain_student();
  const method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Joint> g2d_method;
  AnyStep step(*student, g2d_method, {.optimizer = plain_sgd}, summary);
  auto samples = batch(1);
  const auto outputs = teachers(1);
  samples.present = torch::ones({num_samples, 2}, torch::kBool);
  samples.present[1][0] = false;
  samples.present[4][0] = false;
  const auto rows = torch::tensor({0, 2, 3, 5});
  const auto features = student->encode(samples.inputs, samples.present);
  const auto fused = student->fuse(features).logits;
  const auto pick = [&](const at::Tensor& tensor) { return tensor.detach().index_select(0, rows); };
  const auto result = step(samples, &outputs);
  CHECK_REPORT(compare(result.terms[1].value, distillation::Mse()(pick(features[0]), pick(outputs.features[0])),
                       "audio features", 1e-6));
  CHECK_REPORT(
      compare(result.terms[2].value, distillation::Kl()(pick(fused), pick(outputs.logits[0])), "audio logits", 1e-6));
  CHECK_REPORT(compare(result.terms[3].value, distillation::Mse()(features[1].detach(), outputs.features[1]),
                       "image features", 1e-6));

  samples.present.fill_(false);
  const auto nothing = step(samples, &outputs);
  CHECK(nothing.terms[1].value.item<double>() == 0.0);
  CHECK_FALSE(nothing.is_skipped.item<bool>());
}

TEST_CASE("Student: absent features are zeros, the mean of those present, or a trained vector", "[student][presence]") {
  auto samples = batch(1);
  samples.present = torch::ones({num_samples, 2}, torch::kBool);
  samples.present[2][0] = false;
  const auto encode = [&](g2d::AbsentFeatures absent) {
    const auto student = plain_student("late", "auto", {.absent_features = absent});
    if (absent == g2d::AbsentFeatures::Learned) {
      const at::NoGradGuard no_grad;
      student->named_parameters()["absent.audio"].copy_(torch::tensor({1.0, 2.0, 3.0}));
    }
    return std::pair(student->encode(samples.inputs, samples.present)[0].detach(),
                     student->encode(samples.inputs)[0].detach());
  };
  const auto others = torch::tensor({0, 1, 3, 4, 5});
  const auto [zero, full] = encode(g2d::AbsentFeatures::Zero);
  CHECK(torch::equal(zero[2], torch::zeros({3})));
  CHECK(torch::equal(zero.index_select(0, others), full.index_select(0, others)));
  const auto [mean, same] = encode(g2d::AbsentFeatures::Mean);
  CHECK_REPORT(compare(mean[2], full.index_select(0, others).mean(0), "mean", 1e-6));
  CHECK(torch::equal(encode(g2d::AbsentFeatures::Learned).first[2], torch::tensor({1.0F, 2.0F, 3.0F})));

  const auto student = plain_student("late", "auto", {.absent_features = g2d::AbsentFeatures::Learned});
  AnyStep step(*student, method::JointTraining<Classification>(), {.optimizer = plain_sgd});
  step(samples);
  CHECK(student->named_parameters()["absent.audio"].abs().sum().item<double>() > 0.0);
  CHECK(student->named_parameters()["absent.image"].abs().sum().item<double>() == 0.0);
  CHECK(step.parameter_groups().back().name == "absent");

  samples.present.fill_(false);
  const auto nobody = plain_student("late", "auto", {.absent_features = g2d::AbsentFeatures::Mean});
  CHECK(torch::equal(nobody->encode(samples.inputs, samples.present)[0], torch::zeros({num_samples, 3})));
}

TEST_CASE("Step: encoders of sequences are given the lengths, so that padding does not count", "[step][encoder]") {
  const auto run = [](double padding) {
    torch::manual_seed(7);
    const auto student = make_student({std::make_shared<SequenceMean>(4), linear_tanh(2, 3)}, num_outputs);
    AnyStep step(*student, method::JointTraining<Classification>(), {.optimizer = plain_sgd});
    Random random(8, torch::kFloat);
    auto sequences = random.normal({num_samples, 5, 4});
    sequences.narrow(1, 3, 2).fill_(padding);
    g2d::Batch samples;
    samples.inputs.emplace_back(sequences, torch::full({num_samples}, 3, torch::kLong));
    samples.inputs.emplace_back(random.normal({num_samples, 2}));
    samples.target = random.labels(num_samples, num_outputs);
    step(samples);
    return snapshot(*student);
  };
  CHECK(run(0.0) == run(99.0));
}

TEST_CASE("Step: a connector leads to another teacher's width and is trained with the student", "[step][connector]") {
  const auto student = plain_student();
  using Connected =
      method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Joint, connector::Projection>;
  const g2d::TeacherSummary wide{{7, 3}, num_outputs, {0.8, 0.4}};
  AnyStep step(*student, Connected(), {}, wide);
  const auto& group = step.parameter_groups().back();
  CHECK(group.name == "method.audio");
  REQUIRE(group.parameters.size() == 2);
  CHECK(group.parameters[0].sizes() == at::IntArrayRef{7, 3});
  const auto before = bytes(group.parameters[0]);
  const auto outputs = Random(9, torch::kFloat).teachers(num_samples, {7, 3}, num_outputs);
  step(batch(1), &outputs);
  CHECK(bytes(step.parameter_groups().back().parameters[0]) != before);
  for (const auto& name : student->named_parameters().keys()) CHECK(name.find("method") == std::string::npos);

  const auto precise = plain_student();
  precise->to(torch::kDouble);
  AnyStep precise_step(*precise, Connected(), {}, wide);
  CHECK(precise_step.parameter_groups().back().parameters[0].scalar_type() == torch::kDouble);
}

TEST_CASE("Step: distillation is weighted by modality and epoch, and a weight of 0 leaves a term out",
          "[step][distillation]") {
  const auto student = plain_student();
  const method::DistillationOptions options{.feature_weight = g2d::PerModality<double>{0.0, 0.5},
                                            .logit_weight = g2d::distillation::Weight(2.0).over_epochs(
                                                [](std::int64_t epoch) { return epoch == 0 ? 1.0 : 0.0; })};
  AnyStep step(*student, method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Joint>(options),
               {.num_epochs = 2}, summary);
  const auto outputs = teachers(1);
  const auto terms = [&] {
    Names seen;
    for (const auto& term : step(batch(1), &outputs).terms) {
      seen.push_back(
          fmt::format("{}{} {}", term.name, term.modality ? fmt::format(" {}", *term.modality) : "", term.weight));
    }
    return seen;
  };
  CHECK(terms() == Names{"task 1", "logit 0 2", "feature 1 0.5", "logit 1 2"});
  step.begin_epoch(1);
  CHECK(terms() == Names{"task 1", "feature 1 0.5"});
}

TEST_CASE("Step: distillation::None leaves its terms out", "[step][distillation]") {
  const auto student = plain_student();
  const auto outputs = teachers(1);
  using distillation::None;
  AnyStep none(*student, method::G2d<Classification, None, None, schedule::Joint>(), {}, summary);
  CHECK(none(batch(1), &outputs).terms.size() == 1);
  using Any = distillation::Any;
  AnyStep chosen(*student,
                 method::G2d<Classification, Any, Any, schedule::Joint>(
                     {}, Classification(), g2d::distillation::make("none"), g2d::distillation::make("kl")),
                 {}, summary);
  CHECK(chosen(batch(1), &outputs).terms.size() == 3);
}
