// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// A step gives the same bytes each time, and waits for no device.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <memory>
#include <string>
#include <utility>

#include <g2d/method/agm.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/method/mm_pareto.hpp>
#include <g2d/method/ogm.hpp>

#include "support/host_waits.hpp"
#include "support/meta_device.hpp"
#include "support/snapshot.hpp"
#include "support/thrown.hpp"
#include "unit/step_case.hpp"

using namespace g2d_test;

TEST_CASE("Step: two runs with one seed give identical bytes", "[step][determinism]") {
  const auto run = [] {
    const auto student = mixed_student("gated");
    const method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Sequential<>> g2d_method;
    AnyStep step(*student, method::Stack(g2d_method, method::Ogm<Classification>({.adds_noise = true, .filter = {}})),
                 {.optimizer = g2d::optimizer::Adam{}, .num_epochs = 3, .clip_norm = 1.0}, summary);
    std::string losses;
    torch::manual_seed(16);
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      step.begin_epoch(epoch);
      for (std::uint64_t number = 0; number < 3; ++number) {
        const auto outputs = teachers(number);
        losses += bytes(step(batch(number), &outputs).total);
      }
    }
    return std::pair(losses, snapshot(*student));
  };
  CHECK(run() == run());
}

namespace {

/// Three epochs of one step each on a device, after a first step that may set things up; the teachers' confidences are
/// there too, or in host memory. A mask of presence says in training mode which samples an encoder is run on, and is
/// waited for: with one the student is in evaluation mode.
template <class MakeMethod>
void run_without_waiting(at::Device device, std::string_view fusion, const MakeMethod& make_method, bool has_mask,
                         const g2d::optimizer::Settings& settings, at::Device confidence_device) {
  INFO(fusion << (has_mask ? ", with a mask" : ""));
  const auto student =
      make_student({std::make_shared<RunningMean>(5), std::make_shared<RunningMean>(2)}, num_outputs, fusion);
  if (device.is_meta()) {
    become_meta(*student);
  } else {
    student->to(device);
  }
  student->train(!has_mask);
  AnyStep step(*student, make_method(),
               {.optimizer = settings, .num_epochs = 3, .clip_norm = 1.0, .finite_check = g2d::FiniteCheck::Gradients},
               summary);
  step.set_observer({.on_step = [](const g2d::Observation&) {}, .unimodal = true, .gradient_norms = true});
  auto samples = batch(1);
  auto outputs = teachers(1);
  for (auto& input : samples.inputs) input.values = input.values.to(device);
  samples.target = samples.target.to(device);
  if (has_mask) samples.present = torch::ones({num_samples, 2}, torch::kBool).to(device);
  for (auto& tensor : outputs.features) tensor = tensor.to(device);
  for (auto& tensor : outputs.logits) tensor = tensor.to(device);
  outputs.confidence = outputs.confidence.to(confidence_device);
  step(samples, &outputs);
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
    step.begin_epoch(epoch);
    const HostWaits waits;
    CHECK(step(samples, &outputs).total.device() == device);
    CHECK(HostWaits::found() == Names());
  }
}

template <class Method>
void run_without_waiting(at::Device device, std::string_view fusion, const Method& method,
                         const g2d::optimizer::Settings& settings, at::Device confidence_device = torch::kCPU) {
  const auto make_method = [&] { return g2d::method::Any(method); };
  for (const bool has_mask : {false, true})
    run_without_waiting(device, fusion, make_method, has_mask, settings, confidence_device);
}

using BatchwiseComplete =
    method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Batchwise<suppression::Complete>>;

void run_all_without_waiting(at::Device device) {
  using distillation::Kl;
  using distillation::Mse;
  run_without_waiting(device, "late", method::G2d<Classification>(), g2d::optimizer::Sgd{});
  run_without_waiting(device, "sum", method::G2d<Classification, distillation::Cosine, Kl, schedule::Batchwise<>>(),
                      g2d::optimizer::Adam{}, device);
  run_without_waiting(device, "concat", BatchwiseComplete(), g2d::optimizer::Adam{});
  run_without_waiting(device, "gated",
                      method::G2d<Classification, Mse, Kl, schedule::Sequential<suppression::Partial>>(),
                      g2d::optimizer::AdamW{});
  run_without_waiting(device, "film",
                      method::Stack(method::Supervised<Classification>(),
                                    method::Ogm<Classification>({.adds_noise = true, .filter = {}})),
                      g2d::optimizer::AdamW{});
  for (const auto& options : {method::AgmOptions(), method::official_agm()}) {
    run_without_waiting(device, "gated",
                        method::Stack(method::Supervised<Classification>(), method::Agm<Classification>(options)),
                        g2d::optimizer::Sgd{});
  }
  run_without_waiting(device, "concat", method::MmPareto<Classification>(), g2d::optimizer::Sgd{});
}

}  // namespace

TEST_CASE("Step: waits for no device: on the meta device there is nothing to wait for", "[step][meta]") {
  run_all_without_waiting(torch::kMeta);
  CHECK(thrown<g2d::ConfigError>([] {
          run_without_waiting(torch::kMeta, "late", BatchwiseComplete(), g2d::optimizer::Sgd{}, torch::kMeta);
        }) ==
        "g2d: schedule::Batchwise: Complete suppression needs the teachers' confidences in host memory before the "
        "forward pass; "
        "precompute the teachers, or use ZeroedGradients");
}

TEST_CASE("Step: waits for no device: the accelerator", "[step][device]") {
  const auto device = accelerator();
  run_all_without_waiting(device);

  const auto there = torch::ones({2}, device);
  const HostWaits waits;
  (void)there.sum().item<float>();
  (void)there.to(torch::kCPU);
  CHECK(HostWaits::found() == Names{"aten::item", "aten::to"});
}

TEST_CASE("HostWaits: sees copies from the host, and nothing where all is in one place", "[step][meta]") {
  const auto there = torch::empty({2}, torch::kMeta);
  const auto here = torch::ones({2});
  const HostWaits waits;
  (void)here.sum().item<float>();
  (void)there.clone();
  there.mul_(torch::tensor(0.5));  // a number in host memory is an argument of the kernel
  CHECK(HostWaits::found() == Names());
  (void)here.to(torch::kMeta);
  there.copy_(here);
  CHECK(HostWaits::found() == Names{"aten::to", "aten::copy_"});
}

TEST_CASE("task: what a loss needs beside its arguments is copied to a device once", "[task][meta]") {
  const auto samples = batch(1);
  const Classification weighted({.class_weights = torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kDouble)});
  const auto standardized = Regression::standardized(torch::randn({20, num_outputs}, torch::kDouble));
  const auto output = torch::empty({num_samples, num_outputs}, torch::kMeta);
  const auto labels = torch::empty({num_samples}, torch::dtype(torch::kLong).device(torch::kMeta));
  const auto copies = weighted;  // share what one of them has copied
  const auto all = [&] {
    (void)copies.loss(output, labels);
    (void)standardized.loss(output, output);
    (void)standardized.confidence(output, output);
    (void)standardized.in_target_unit(output);
  };
  all();
  const HostWaits waits;
  all();
  (void)weighted.loss(output, labels);
  CHECK(HostWaits::found() == Names());
}

TEST_CASE("task: class weights that were first used under InferenceMode still train", "[task]") {
  const Classification weighted({.class_weights = torch::tensor({1.0, 2.0, 3.0, 4.0}, torch::kDouble)});
  const auto samples = batch(1);
  const auto student = plain_student();
  {
    const c10::InferenceMode inference;
    (void)weighted.loss(torch::ones({num_samples, num_outputs}), samples.target);
  }
  weighted.loss(student->forward(samples.inputs), samples.target).backward();
  CHECK(student->parameters()[0].grad().defined());
}
