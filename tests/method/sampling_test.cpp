// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods that choose what a student is shown and how it is weighed, in a run: OPM, AMCo, modality valuation,
// re-learning, G-Blend.

#include <torch/torch.h>

#include <cmath>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/method/amco.hpp>
#include <g2d/method/gradient_blending.hpp>
#include <g2d/method/opm.hpp>
#include <g2d/method/relearning.hpp>
#include <g2d/method/valuation.hpp>
#include <g2d/method/window.hpp>

#include "method/scene.hpp"
#include "support/snapshot.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;

/// The bytes of a small run's weights.
Snapshot trained(g2d::method::Any method, std::vector<g2d::EpochReport>* reports = nullptr,
                 std::string_view readout = "auto", at::Tensor present = {}) {
  const auto student = plain_student(2, "concat", readout);
  const auto all = blobs(24, 1).batch(torch::arange(24));
  const g2d::data::InMemory train(names(2), all.inputs, all.target, {}, std::move(present));
  auto trainer = make_trainer(*student, std::move(method),
                              {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = 0.9},
                               .num_epochs = 4,
                               .batch_size = 8,
                               .selection = g2d::Selection::Last,
                               .on_epoch = {[&](const g2d::EpochReport& report) {
                                 for (const auto& loss : report.losses) CHECK(std::isfinite(loss.second));
                                 if (reports != nullptr) reports->push_back(report);
                               }}});
  (void)trainer.fit(train, blobs(12, 2));
  return snapshot(*student);
}

}  // namespace

TEST_CASE("Trainer: each of them changes a run that it acts in, the same way every time", "[method]") {
  using Make = std::function<g2d::method::Any()>;
  const auto joint_weights = trained(joint());
  const std::vector<std::pair<std::string, Make>> made{
      {"opm", [] { return on_supervised(method::Opm<Classification>({.batch_share = 1.0, .warm_up_epochs = 1})); }},
      {"amco", [] { return method::Amco<Classification>(); }},
      {"valuation", [] { return on_supervised(method::Valuation<Classification>({.warm_up_epochs = 1})); }},
      {"valuation of modalities",
       [] {
         return on_supervised(method::Valuation<Classification>(
             {.level = method::ValuationLevel::Modality, .warm_up_epochs = 1, .strength = 3.0, .valued_share = 1.0}));
       }},
      {"re-learning", [] { return on_supervised(method::Relearning<Classification>({.period = 1})); }},
      {"g-blend", [] { return method::GradientBlending<Classification>({.super_epoch = 2}); }}};
  for (const auto& [name, make] : made) {
    INFO(name);
    const auto weights = trained(make());
    CHECK(weights == trained(make()));
    CHECK(weights != joint_weights);
    (void)trained(make(), nullptr, "own-heads", some_absent(24));
  }
}

TEST_CASE("Trainer: outside its window none of them acts", "[method]") {
  // Each acts from the second epoch on.
  const auto in_first_epoch = [](auto policy) {
    return trained(on_supervised(method::Window(std::move(policy), {.first = 0, .last = 0})));
  };
  const auto joint_weights = trained(joint());
  CHECK(in_first_epoch(method::Opm<Classification>({.batch_share = 1.0, .warm_up_epochs = 1})) == joint_weights);
  CHECK(in_first_epoch(method::Valuation<Classification>({.warm_up_epochs = 1})) == joint_weights);
  CHECK(in_first_epoch(method::Relearning<Classification>({.period = 1})) == joint_weights);
}

TEST_CASE("method::Window: one that begins after the run is refused", "[method]") {
  CHECK(thrown<g2d::ConfigError>([] {
          trained(on_supervised(method::Window(method::Relearning<Classification>({.period = 1}), {.first = 4})));
        }) == "g2d: method::Window: expected first within the run's 4 epochs, got 4; train longer, or begin earlier");
}

TEST_CASE("Trainer: valuation lengthens epochs, and blending is charged for its trials", "[method]") {
  std::vector<g2d::EpochReport> plain, valued, same_length, blended;
  (void)trained(joint(), &plain);
  (void)trained(on_supervised(method::Valuation<Classification>({.warm_up_epochs = 1})), &valued);
  (void)trained(on_supervised(method::Valuation<Classification>({.warm_up_epochs = 1, .keeps_epoch_length = true})),
                &same_length);
  (void)trained(method::GradientBlending<Classification>({.super_epoch = 2}), &blended);
  CHECK(valued[0].num_samples == 24);
  CHECK(valued[1].num_samples > 24);
  CHECK(same_length[1].num_samples == 24);
  // Before epochs 0 and 2, each of 3 streams: 2 epochs of 3 steps.
  CHECK(plain[3].work.updates == 12);
  CHECK(blended[3].work.updates == 12 + 2 * 3 * 2 * 3);
  // An encoder learns in its own stream's trial and in the fused one's, and stands by in the other's.
  CHECK(blended[3].work.backwards[0] == 4 * 24 + 2 * 2 * 2 * 24);
  CHECK(same_length[1].work.forwards[0] == 3 * 24);
}
