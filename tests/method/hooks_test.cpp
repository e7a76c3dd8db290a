// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What a method can ask for through its hooks, and that Step and Trainer do it.

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <g2d/encoder/mlp.hpp>
#include <g2d/learning_rate/schedule.hpp>
#include <g2d/method/gradient_blending.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/prioritization.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/uniform_multi_task.hpp>
#include <g2d/method/window.hpp>
#include <g2d/train/evaluate.hpp>

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

/// Supervised training, with hooks as functions.
struct Scripted : method::Supervised<Classification> {
  std::function<void(method::Run&)> on_prepare = [](method::Run&) {};
  std::function<void(std::int64_t, method::Plan&)> on_plan = [](std::int64_t, method::Plan&) {};
  std::function<void(const method::StepContext&, method::Outputs&)> on_forward = [](const auto&, auto&) {};
  std::function<void(method::GradientView&)> on_gradients = [](method::GradientView&) {};
  bool separate = false;

  void prepare(method::Run& run) { on_prepare(run); }
  void plan(std::int64_t epoch, method::Plan& plan) { on_plan(epoch, plan); }
  void forward(const method::StepContext& context, method::Outputs& outputs) { on_forward(context, outputs); }
  void gradients(const method::StepContext& /*context*/, const method::Outputs& /*outputs*/,
                 method::GradientView& view) {
    on_gradients(view);
  }
  [[nodiscard]] method::Needs needs() const { return {.separate_gradients = separate}; }
};

/// The same for Step alone: it does not look at data.
struct Planned : method::Supervised<Classification> {
  std::function<void(std::int64_t, method::Plan&)> on_plan;
  void plan(std::int64_t epoch, method::Plan& plan) { on_plan(epoch, plan); }
};

Planned planned(std::function<void(std::int64_t, method::Plan&)> on_plan) {
  Planned policy;
  policy.on_plan = std::move(on_plan);
  return policy;
}

/// Each substep trains one modality by a loss that looks at no other.
struct Alternating {
  void plan(std::int64_t /*epoch*/, method::Plan& plan) {
    plan.num_substeps = static_cast<std::int64_t>(plan.controls.size());
  }
  void control_batch(const method::StepContext& context, method::Controls& controls) {
    for (std::size_t m = 0; m < controls.size(); ++m) {
      if (static_cast<std::int64_t>(m) != context.substep) controls[m].combine({.frozen = true, .skipped = true});
    }
  }
  void loss(const method::StepContext& context, const method::Outputs& outputs, method::Terms& terms) {
    const auto m = static_cast<std::size_t>(context.substep);
    terms.push_back({"own", m, outputs.encoded[m].square().mean(), 1.0});
  }
};

const g2d::optimizer::Sgd heavy{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01};

std::shared_ptr<g2d::AnyStudent> make(std::string_view fusion = "late", std::string_view readout = "auto") {
  torch::manual_seed(3);
  return make_student(norm_dropout_encoders(2), num_classes, fusion, readout);
}

g2d::Batch some_batch(std::uint64_t number) { return blobs(12, number).batch(torch::arange(12)); }

}  // namespace

TEST_CASE("Step: substeps update once each, and a skipped encoder is not run at all", "[method]") {
  const auto student = make();
  student->train();
  AnyStep step(*student, Alternating(), {.optimizer = heavy});
  const auto before = snapshot(*student);
  const auto result = step(some_batch(1));
  REQUIRE(result.terms.size() == 2);
  CHECK(result.terms[1].modality == 1);
  CHECK(result.total.item<double>() ==
        Approx(result.terms[0].value.item<double>() + result.terms[1].value.item<double>()));
  CHECK(step.work().updates == 2);
  CHECK(step.num_steps() == 1);
  CHECK(step.work().forwards == g2d::PerModality<std::int64_t>{12, 12});
  CHECK(step.work().backwards == g2d::PerModality<std::int64_t>{12, 12});
  for (const auto& name : changed(before, *student)) CHECK_THAT(name, Contains("encoders."));
  CHECK(norm_dropout(*student, 0).norm->num_batches_tracked.item<std::int64_t>() == 1);
}

TEST_CASE("Step: an error in a substep leaves the updates of the substeps before it", "[method]") {
  struct Breaking : Alternating {
    void loss(const method::StepContext& context, const method::Outputs& outputs, method::Terms& terms) {
      if (context.substep == 1) throw std::runtime_error("broken");
      Alternating::loss(context, outputs, terms);
    }
  };
  const auto student = make();
  student->train();
  AnyStep step(*student, Breaking(), {.optimizer = heavy});
  const auto before = snapshot(*student);
  CHECK(thrown<std::runtime_error>([&] { step(some_batch(1)); }) == "broken");
  const auto moved = changed(before, *student);
  CHECK_FALSE(moved.empty());
  for (const auto& name : moved) CHECK_THAT(name, Contains("encoders." + names(2)[0]));
  CHECK(step.num_steps() == 0);
}

TEST_CASE("Step: a planned learning-rate factor scales the updates of a modality's encoder and head", "[method]") {
  const g2d::optimizer::Sgd plain{.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0};
  const auto update = [&](double factor) {
    const auto student = make();
    student->eval();
    std::vector<at::Tensor> before;
    for (const auto& parameter : student->parameters()) before.push_back(parameter.detach().clone());
    AnyStep step(*student, planned([factor](std::int64_t, method::Plan& plan) {
      plan.controls[0].learning_rate_factor = factor;
    }),
                 {.optimizer = plain});
    step(some_batch(1));
    std::map<std::string, at::Tensor> updates;
    std::size_t i = 0;
    for (const auto& parameter : student->named_parameters())
      updates[parameter.key()] = before[i++] - parameter.value().detach();
    return updates;
  };
  const auto full = update(1.0);
  const auto part = update(0.25);
  std::size_t scaled = 0;
  for (const auto& [name, tensor] : full) {
    const bool is_first = name.find(names(2)[0]) != std::string::npos;
    CHECK(torch::allclose(part.at(name), is_first ? tensor * 0.25 : tensor, 1e-4, 1e-7));
    scaled += is_first ? 1U : 0U;
  }
  CHECK(scaled > 2);
}

TEST_CASE("Step: modalities that share an encoder cannot have two learning rates", "[method]") {
  const auto shared = std::make_shared<NormDropout>(input_width);
  const auto student = make_student({shared, shared}, num_classes);
  CHECK_THAT(thrown<g2d::ConfigError>([&] {
               AnyStep(*student,
                       planned([](std::int64_t, method::Plan& plan) { plan.controls[1].learning_rate_factor = 2.0; }));
             }),
             Contains("share an encoder"));
}

TEST_CASE("Step: a frozen head keeps its bytes, under momentum and weight decay too", "[method]") {
  const auto student = make();
  student->train();
  bool freezes = false;
  AnyStep step(*student, planned([&](std::int64_t, method::Plan& plan) { plan.controls[0].head_frozen = freezes; }),
               {.optimizer = heavy, .num_epochs = 2});
  step(some_batch(1));
  freezes = true;
  step.begin_epoch(1);
  const auto before = snapshot(*student);
  step(some_batch(2));
  std::vector<std::string> kept;
  const auto moved = changed(before, *student);
  for (const auto& parameter : student->named_parameters()) {
    if (std::find(moved.begin(), moved.end(), parameter.key()) == moved.end()) kept.push_back(parameter.key());
  }
  CHECK(kept == std::vector<std::string>{"fusion." + names(2)[0] + ".weight", "fusion." + names(2)[0] + ".bias"});
}

TEST_CASE("Step: an optimizer that a plan resets takes the step of a new one", "[method]") {
  const auto run = [](bool resets, bool warms_up) {
    const auto student = make();
    student->eval();
    const auto begin = std::vector<at::Tensor>{student->parameters()[0].detach().clone()};
    AnyStep step(*student, planned([resets](std::int64_t epoch, method::Plan& plan) {
      plan.resets_optimizer = resets && epoch == 1;
    }),
                 {.optimizer = heavy, .num_epochs = 2});
    if (warms_up) {
      const auto weights = [&] {
        std::vector<at::Tensor> copies;
        for (const auto& parameter : student->parameters()) copies.push_back(parameter.detach().clone());
        return copies;
      }();
      step(some_batch(1));
      const at::NoGradGuard no_grad;
      const auto parameters = student->parameters();
      for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(weights[i]);
    }
    step.begin_epoch(1);
    step(some_batch(2));
    return snapshot(*student);
  };
  CHECK(run(true, true) == run(true, false));
  CHECK(run(false, true) != run(false, false));
}

TEST_CASE("Step: separate gradients add up to the plain one, and each is that of its own terms", "[method]") {
  const auto run = [](bool separate, std::function<void(method::GradientView&)> look) {
    const auto student = make("concat", "own-heads");
    student->eval();
    struct MultiTask : method::UniformMultiTask<Classification> {
      std::function<void(method::GradientView&)> look;
      bool separate = false;
      void gradients(const method::StepContext&, const method::Outputs&, method::GradientView& view) { look(view); }
      [[nodiscard]] method::Needs needs() const { return {.unimodal = true, .separate_gradients = separate}; }
    };
    MultiTask policy;
    policy.look = std::move(look);
    policy.separate = separate;
    AnyStep step(*student, policy, {.optimizer = heavy});
    step(some_batch(1));
    return step.work().backwards[0];
  };
  std::vector<at::Tensor> plain, summed;
  std::size_t pairs = 0;
  CHECK(run(false, [&](method::GradientView& view) {
          for (std::size_t m = 0; m < 2; ++m)
            view.for_each(m, {}, [&](const at::Tensor& g) { plain.push_back(g.clone()); });
          view.for_each_separate(0, {}, [&](at::Tensor&, const at::Tensor&, const at::Tensor&) { ++pairs; });
        }) == 12);
  CHECK(pairs == 0);
  CHECK(run(true, [&](method::GradientView& view) {
          for (std::size_t m = 0; m < 2; ++m) {
            view.for_each(m, {}, [&](const at::Tensor& g) { summed.push_back(g.clone()); });
            view.for_each_separate(m, {}, [&](at::Tensor& gradient, const at::Tensor& joint, const at::Tensor& own) {
              CHECK(torch::allclose(gradient, joint + own));
              CHECK_FALSE(torch::allclose(joint, own));
              ++pairs;
            });
          }
        }) == 24);
  CHECK(pairs == plain.size());
  REQUIRE(plain.size() == summed.size());
  for (std::size_t i = 0; i < plain.size(); ++i) CHECK(torch::allclose(plain[i], summed[i], 1e-5, 1e-7));
}

TEST_CASE("Step: a method that looks at data between epochs needs somebody who shows them", "[method]") {
  const auto student = make();
  AnyStep step(*student, method::Stack(Scripted()));
  CHECK_THAT(thrown<g2d::ConfigError>([&] { step(some_batch(1)); }), Contains("train it with Trainer"));
}

TEST_CASE("method::Window: outside of it a forward hook does not act", "[method]") {
  const auto student = make();
  int acted = 0;
  struct Counting {
    int* acted;
    void forward(const method::StepContext&, method::Outputs&) { ++*acted; }
  };
  AnyStep step(*student,
               method::Stack(method::Supervised<Classification>(), method::Window(Counting{&acted}, {.first = 1})),
               {.num_epochs = 2});
  step(some_batch(1));
  CHECK(acted == 0);
  step.begin_epoch(1);
  step(some_batch(1));
  CHECK(acted == 1);
}

TEST_CASE("method::Stack: a stack in a stack leaves the forward hook to the policy that has it", "[method]") {
  int acted = 0;
  struct Counting {
    int* acted;
    void forward(const method::StepContext&, method::Outputs&) { ++*acted; }
  };
  const auto student = make();
  AnyStep step(*student, method::Stack(method::JointTraining<Classification>(), method::Stack(Counting{&acted})));
  step(some_batch(1));
  CHECK(acted == 1);
}

TEST_CASE("Step: a forward hook that keeps some rows trains on those alone", "[method]") {
  struct KeepsThree : method::Supervised<Classification> {
    void forward(const method::StepContext& context, method::Outputs& outputs) {
      outputs.keep_rows = torch::tensor({0, 3, 4});
      for (auto& features : outputs.encoded) features = features.index_select(0, outputs.keep_rows);
      outputs.fused = context.student->fuse(outputs.encoded).logits;
    }
  };
  const auto student = make();
  student->eval();
  const auto three = blobs(12, 1).batch(torch::tensor({0, 3, 4}));
  const auto expected = Classification().loss(student->forward(three.inputs), three.target).item<double>();
  AnyStep step(*student, KeepsThree(), {});
  CHECK(step(some_batch(1)).total.item<double>() == Approx(expected));
}

TEST_CASE("Trainer: the learning-rate schedule runs over the span that is planned", "[method]") {
  const auto student = make();
  Scripted policy;
  policy.on_plan = [](std::int64_t epoch, method::Plan& plan) { plan.learning_rate_span = {epoch < 4 ? 0 : 4, 4}; };
  std::vector<double> rates;
  auto trainer =
      make_trainer(*student, policy,
                   {.optimizer = g2d::optimizer::Sgd{.learning_rate = 1.0},
                    .num_epochs = 8,
                    .learning_rate =
                        [](std::int64_t epoch, std::int64_t num_epochs) {
                          return static_cast<double>(num_epochs - epoch) / static_cast<double>(num_epochs);
                        },
                    .on_epoch = {[&](const g2d::EpochReport& report) { rates.push_back(report.learning_rate); }}});
  (void)trainer.fit(blobs(24, 1), blobs(12, 2));
  CHECK(rates == std::vector<double>{1.0, 0.75, 0.5, 0.25, 1.0, 0.75, 0.5, 0.25});
}

TEST_CASE("Trainer: a plan that ends the run is the last thing that happens", "[method]") {
  struct EndsBeforeThird : method::Supervised<Classification> {
    void plan(std::int64_t epoch, method::Plan& plan) { plan.ends_run = epoch == 2; }
  };
  torch::manual_seed(7);
  const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
  auto trainer = make_trainer(*student, EndsBeforeThird(), {.num_epochs = 5, .batch_size = 12});
  const auto history = trainer.fit(blobs(24, 1), blobs(12, 2));
  CHECK(history.epochs.size() == 2);
  CHECK_FALSE(history.was_interrupted);
  CHECK(trainer.step().num_steps() == 4);
}

TEST_CASE("Trainer: a sample view decides which samples an epoch shows, and what of them", "[method]") {
  const auto student = make();
  std::vector<std::int64_t> ids;
  at::Tensor present;
  struct Watching : Scripted {
    std::vector<std::int64_t>* ids;
    at::Tensor* present;
    void loss(const method::StepContext& context, const method::Outputs& outputs, method::Terms& terms) {
      Scripted::loss(context, outputs, terms);
      const auto batch_ids = context.batch.sample_ids;
      ids->insert(ids->end(), batch_ids.const_data_ptr<std::int64_t>(),
                  batch_ids.const_data_ptr<std::int64_t>() + batch_ids.numel());
      *present = context.batch.present;
      CHECK((outputs.encoded[0].abs().sum(1).eq(0) == context.batch.present.select(1, 0).logical_not())
                .all()
                .item<bool>());
    }
  };
  Watching policy;
  policy.ids = &ids;
  policy.present = &present;
  policy.on_plan = [](std::int64_t, method::Plan& plan) {
    plan.samples = {torch::tensor({5, 5, 7, 1}),
                    torch::tensor({{true, false}, {true, true}, {false, true}, {true, true}})};
  };
  auto trainer = make_trainer(*student, policy, {.num_epochs = 1, .batch_size = 16});
  const auto history = trainer.fit(blobs(24, 1), blobs(12, 2));
  std::sort(ids.begin(), ids.end());
  CHECK(ids == std::vector<std::int64_t>{1, 5, 5, 7});
  CHECK(history.epochs[0].num_samples == 4);
  CHECK(present.logical_not().sum().item<std::int64_t>() == 2);
}

TEST_CASE("Trainer: features and batches of a run are the student's, drawn from the split asked for", "[method]") {
  const auto student = make();
  const auto train = blobs(30, 1);
  const auto validation = blobs(12, 2);
  Scripted policy;
  int prepared = 0;
  policy.on_prepare = [&](method::Run& run) {
    CHECK(run.epoch() == prepared++);
    CHECK(run.num_epochs() == 2);
    CHECK((run.validation() == nullptr) == (run.epoch() == 0));
    CHECK(run.size(method::Split::Train) == 30);
    CHECK(run.size(method::Split::Validation) == 12);
    CHECK_FALSE(student->is_training());
    const at::NoGradGuard no_grad;
    const auto some = run.features(method::Split::Train, 10);
    CHECK(some.rows.size(0) == 10);
    const auto batch = train.batch(some.rows);
    CHECK(some.target.equal(batch.target));
    CHECK(torch::allclose(some.features[1], student->encode(1, batch.inputs[1])));
    CHECK_FALSE(some.features[1].requires_grad());
    CHECK(run.features(method::Split::Validation, 100).rows.equal(torch::arange(12)));
    CHECK_FALSE(run.batch(method::Split::Train, 5).sample_ids.equal(run.batch(method::Split::Train, 5).sample_ids));
    if (run.validation() != nullptr) {
      CHECK(run.validation()->unimodal_scores.size() == 2);
      CHECK(run.validation()->losses.unimodal[0] > 0.0);
    }
  };
  auto trainer = make_trainer(*student, policy, {.num_epochs = 2});
  (void)trainer.fit(train, validation);
  CHECK(prepared == 2);
  CHECK(trainer.step().work().forwards[0] == 2 * (30 + 10 + 12));
}

TEST_CASE("Trainer: a trial learns, and leaves the run as it was to the last byte", "[method]") {
  const auto run = [](bool tries) {
    const auto student = make();
    Scripted policy;
    policy.on_prepare = [tries](method::Run& given) {
      if (!tries || given.epoch() != 1) return;
      const auto result = given.trial(3);
      CHECK(result.train_after.fused < result.train_before.fused);
      CHECK(result.validation_before.unimodal.size() == 2);
    };
    auto trainer = make_trainer(*student, policy, {.optimizer = heavy, .num_epochs = 3, .batch_size = 6});
    const auto history = trainer.fit(blobs(24, 1), blobs(12, 2));
    CHECK(trainer.step().num_steps() == 12);
    return snapshot(*student);
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("Trainer: a trial is run as the coming epoch is planned", "[method]") {
  const auto student = make();
  bool is_trial = false;
  std::vector<std::int64_t> trial_epochs, trial_sizes, scheduled;
  Scripted policy;
  policy.on_plan = [](std::int64_t epoch, method::Plan& plan) {
    plan.controls[static_cast<std::size_t>(epoch) % 2].frozen = true;
    plan.learning_rate_span = {epoch, 7};
    auto keep = torch::ones({3 + epoch, 2}, torch::kBool);
    keep[0][1] = false;
    plan.samples = {torch::arange(3 + epoch), keep};
  };
  policy.on_forward = [&](const method::StepContext& context, method::Outputs& outputs) {
    const auto frozen = static_cast<std::size_t>(context.epoch) % 2;
    CHECK_FALSE(outputs.encoded[frozen].requires_grad());
    CHECK(outputs.encoded[1 - frozen].requires_grad());
    CHECK(context.batch.present.logical_not().sum().item<std::int64_t>() == 1);
    if (!is_trial) return;
    trial_epochs.push_back(context.epoch);
    trial_sizes.push_back(context.batch.size());
  };
  policy.on_prepare = [&](method::Run& run) {
    is_trial = true;
    (void)run.trial(1);
    is_trial = false;
  };
  auto trainer = make_trainer(
      *student, policy,
      {.num_epochs = 3, .batch_size = 16, .learning_rate = [&](std::int64_t epoch, std::int64_t num_epochs) {
         CHECK(epoch == 0);
         scheduled.push_back(num_epochs);
         return 1.0;
       }});
  (void)trainer.fit(blobs(24, 1), blobs(12, 2));
  CHECK(trial_epochs == std::vector<std::int64_t>{0, 1, 2});
  CHECK(trial_sizes == std::vector<std::int64_t>{3, 4, 5});
  CHECK(scheduled == std::vector<std::int64_t>(6, 7));
}

TEST_CASE("method::GradientBlending: in stages, who learns in an epoch learns in the trials before it", "[method]") {
  torch::manual_seed(7);
  const auto student =
      make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes, "late", "own-heads");
  using Smp = method::Prioritization<g2d::schedule::Sequential<>>;
  auto trainer = make_trainer(
      *student,
      method::Stack(
          method::GradientBlending<Classification>({.super_epoch = 1}),
          Smp(g2d::schedule::Sequential<>({.stage_epochs = {1, 1, 0}, .order = g2d::schedule::Order::Declared}))),
      {.num_epochs = 2, .batch_size = 8});
  (void)trainer.fit(blobs(24, 1), blobs(12, 2));
  // Each modality: the trials of its own stream and of the fused one, and its epoch.
  CHECK(trainer.step().work().backwards == g2d::PerModality<std::int64_t>{3 * 24, 3 * 24});
}

TEST_CASE("Step: a learning-rate factor that is no number is refused when the epoch begins", "[method]") {
  const auto student = make();
  Planned policy;
  policy.on_plan = [](std::int64_t epoch, method::Plan& plan) {
    if (epoch == 1) plan.controls[1].learning_rate_factor = std::nan("");
  };
  AnyStep step(*student, policy, {.num_epochs = 2});
  CHECK(thrown<g2d::ConfigError>([&] { step.begin_epoch(1); }) ==
        "g2d: optimizer: group \"encoder.image\": expected a finite learning-rate factor >= 0, got nan");
}

TEST_CASE("Trainer: in a trial too, modules that the caller froze stay in evaluation mode", "[method]") {
  const auto student = make();
  for (auto& parameter : norm_dropout(*student, 0).norm->parameters()) parameter.requires_grad_(false);
  Scripted policy;
  int num_steps = 0;
  policy.on_forward = [&](const method::StepContext&, method::Outputs&) {
    ++num_steps;
    CHECK_FALSE(norm_dropout(*student, 0).norm->is_training());
    CHECK(norm_dropout(*student, 1).norm->is_training());
  };
  policy.on_prepare = [](method::Run& run) { (void)run.trial(1); };
  auto trainer = make_trainer(*student, policy, {.num_epochs = 1, .batch_size = 6});
  (void)trainer.fit(blobs(24, 1), blobs(12, 2));
  CHECK(num_steps == 8);
}

TEST_CASE("Trainer: a trial that ends in an error leaves the student as it was", "[method]") {
  const auto student = make();
  const auto samples = blobs(24, 1);
  int num_left = 1000;
  const LazyDataset train{.samples = samples, .change = [&](g2d::Batch&) {
                            if (num_left-- == 0) throw std::runtime_error("the disk broke");
                          }};
  Scripted policy;
  policy.on_prepare = [&](method::Run& run) {
    const auto before = snapshot(*student);
    torch::manual_seed(5);
    num_left = 3;  // one batch of the losses before, two steps
    CHECK(thrown<std::runtime_error>([&] { (void)run.trial(1); }) == "the disk broke");
    CHECK(changed(before, *student).empty());
    const auto next = torch::rand({1});
    torch::manual_seed(5);
    CHECK(next.equal(torch::rand({1})));
    num_left = 1000;
  };
  auto trainer = make_trainer(*student, policy, {.num_epochs = 1, .batch_size = 6});
  (void)trainer.fit(train, samples);
  CHECK(trainer.step().num_steps() == 4);
}

TEST_CASE("Trainer: nobody observes a trial", "[method]") {
  const auto student = make();
  Scripted policy;
  policy.on_prepare = [](method::Run& run) { (void)run.trial(2); };
  auto trainer = make_trainer(*student, policy, {.num_epochs = 2, .batch_size = 6});
  std::vector<std::int64_t> seen;
  trainer.step().set_observer(
      {.on_step = [&](const g2d::Observation& observation) { seen.push_back(observation.step); }});
  (void)trainer.fit(blobs(24, 1), blobs(12, 2));
  CHECK(seen == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7});
}

TEST_CASE("Step: apart, the method's own parameters are put back", "[method]") {
  struct Scaled {
    at::Tensor factor = torch::ones({}).requires_grad_();

    void loss(const method::StepContext& /*context*/, const method::Outputs& outputs, method::Terms& terms) {
      terms.push_back({"scaled", {}, outputs.fused.square().mean() * factor, 1.0});
    }
    [[nodiscard]] g2d::Parameters parameters() const { return {{"factor", factor, {}}}; }
  };
  const auto student = make();
  const Scaled policy;
  AnyStep step(*student, policy, {.optimizer = heavy});
  step(some_batch(1));
  const auto before = bytes(policy.factor);
  step.apart([&] {
    step(some_batch(2));
    CHECK(bytes(policy.factor) != before);
  });
  CHECK(bytes(policy.factor) == before);
}

TEST_CASE("Step: apart, a float16 step that overflows leaves the loss scale as it was", "[method][precision]") {
  torch::manual_seed(4);
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < 2; ++m) {
    const g2d::encoder::MlpOptions options{.in_features = input_width, .hidden = {16}, .feature_width = 8};
    encoders.emplace_back(std::make_shared<g2d::encoder::Mlp>(options),
                          g2d::EncoderOptions{.precision = g2d::Precision::Float16});
  }
  const auto student = make_student(std::move(encoders), num_classes);
  AnyStep step(*student, method::JointTraining<Classification>(),
               {.optimizer = g2d::optimizer::Sgd{.learning_rate = 1e-3}});
  auto large = some_batch(1);
  for (auto& input : large.inputs) input.values = input.values.mul(40.0);
  step.apart([&] {
    std::int64_t num_skipped = 0;
    while (num_skipped < 20 && step(large).is_skipped.item<bool>()) ++num_skipped;
    REQUIRE(num_skipped > 0);
    REQUIRE(num_skipped < 20);
  });
  CHECK(step(large).is_skipped.item<bool>());
}
