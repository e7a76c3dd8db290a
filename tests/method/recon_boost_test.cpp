// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// ReconBoost as Step runs it.

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <g2d/check/compare.hpp>
#include <g2d/method/recon_boost.hpp>

#include "method/step_case.hpp"
#include "support/check_report.hpp"
#include "support/random_case.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::check::compare;
using g2d::task::Classification;
namespace method = g2d::method;
using ReconBoost = method::ReconBoost<Classification>;

bool moved(const Snapshot& before, const g2d::AnyStudent& student, const std::string& part) {
  const auto names_of_changed = changed(before, student);
  return std::any_of(names_of_changed.begin(), names_of_changed.end(),
                     [&](const std::string& name) { return name.find(part) != std::string::npos; });
}

std::string encoder_of(std::size_t m) { return "encoders." + names(m + 1)[m] + "."; }

double at_step(const method::Terms& terms, std::string_view name) {
  const auto found = std::find_if(terms.begin(), terms.end(), [&](const auto& term) { return term.name == name; });
  return found == terms.end() ? not_a_number : found->value.item<double>();
}

}  // namespace

TEST_CASE("method::ReconBoost: in its turn only the learner moves, and momentum moves nobody else",
          "[method][recon_boost]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const auto student = student_with("boosted", modalities);
    AnyStep step(*student, ReconBoost({.learner_epochs = 1, .joint_epochs = 1}),
                 {.optimizer = heavy_sgd, .num_epochs = 9});
    for (std::int64_t epoch = 0; epoch < 4 * static_cast<std::int64_t>(modalities); ++epoch) {
      step.begin_epoch(epoch);
      const auto before = snapshot(*student);
      for (std::uint64_t i = 0; i < 3; ++i) CHECK_FALSE(step(batch(i, modalities)).is_skipped.item<bool>());
      const bool is_joint = epoch % 2 == 1;
      const auto learner = static_cast<std::size_t>(epoch / 2) % modalities;
      for (std::size_t m = 0; m < modalities; ++m)
        CHECK(moved(before, *student, encoder_of(m)) == (is_joint || m == learner));
      CHECK(moved(before, *student, "fusion.hidden"));
      CHECK(moved(before, *student, "fusion.scale") == is_joint);
    }
  }
}

TEST_CASE("method::ReconBoost: agreement teaches the learner, and does not in the authors' code",
          "[method][recon_boost]") {
  const auto after = [](method::ReconBoostOptions options) {
    options.learner_epochs = 1;
    options.joint_epochs = 0;
    const auto student = student_with("boosted");
    AnyStep step(*student, ReconBoost(options), {.optimizer = plain_sgd, .num_epochs = 2});
    const auto first = step(batch(1));
    step.begin_epoch(1);
    const auto second = step(batch(2));
    return std::pair(std::isnan(at_step(first.terms, "agreement")) && !std::isnan(at_step(second.terms, "agreement")),
                     parameter(*student, "fusion.output.weight").detach().clone());
  };
  const auto [has_term, taught] = after({});
  const auto [has_official_term, untaught] = after(method::official_recon_boost());
  CHECK(has_term);
  CHECK_FALSE(has_official_term);
  CHECK_FALSE(taught.equal(untaught));
}

TEST_CASE("method::ReconBoost: samples that lack a modality do not count in its turn", "[method][recon_boost]") {
  const auto student = student_with("boosted");
  const auto rows = torch::tensor({0, 2, 3, 5});
  auto samples = batch_with_gaps(1);
  AnyStep step(*student, ReconBoost(), {.optimizer = plain_sgd});
  const auto loss = at_step(step(samples).terms, "learner");
  for (auto& input : samples.inputs) input.values = input.values.index_select(0, rows);
  const auto whole = student_with("boosted");
  AnyStep other(*whole, ReconBoost(), {.optimizer = plain_sgd});
  CHECK(at_step(other({samples.inputs, samples.target.index_select(0, rows)}).terms, "learner") == Approx(loss));
  CHECK_REPORT(
      compare(parameter(*student, "fusion.hidden.weight"), parameter(*whole, "fusion.hidden.weight"), "head", 1e-9));
}

TEST_CASE("method::ReconBoost: the learner learns by the task's class weights and label smoothing",
          "[method][recon_boost]") {
  const Classification task({.class_weights = torch::linspace(0.5, 3.0, num_classes), .label_smoothing = 0.2});
  const auto student = student_with("boosted");
  const auto samples = batch_with_gaps(1);
  const auto logits = student->fusion().authors_logits(student->encode(samples.inputs, samples.present))[0].detach();
  const auto rows = torch::tensor({0, 2, 3, 5});
  const auto expected = task.loss(logits.index_select(0, rows), samples.target.index_select(0, rows));
  AnyStep step(*student, ReconBoost({}, task), {.optimizer = plain_sgd});
  // In the first stage w_1 - w_2 = 4 weighs everything alike.
  CHECK(at_step(step(samples).terms, "learner") == Approx(4.0 / num_classes * expected.item<double>()));
}

TEST_CASE("method::ReconBoost: what it cannot train is refused", "[method][recon_boost]") {
  const auto late = student_with("late");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*late, ReconBoost(), {}); }) ==
        "g2d: method::ReconBoost: expected a student with fusion::Boosted, got another fusion");
  CHECK(thrown<g2d::ConfigError>([] { ReconBoost({.learner_epochs = 0}); }) ==
        "g2d: method::ReconBoost: expected learner_epochs >= 1 and joint_epochs >= 0, got 0 and 4");
  CHECK(thrown<g2d::ConfigError>([] { ReconBoost({.own_weight = 1.0, .residual_weight = 2.0}); }) ==
        "g2d: method::ReconBoost: expected own_weight > residual_weight >= 0, got 1 and 2");
  CHECK(thrown<g2d::ConfigError>([] { ReconBoost({.agreement_weight = -1.0}); }) ==
        "g2d: method::ReconBoost: expected agreement_weight >= 0, got -1");
  const auto alone = student_with("boosted", 1);
  CHECK_THAT(thrown<g2d::ConfigError>([&] { AnyStep(*alone, ReconBoost(), {}); }),
             Contains("method::ReconBoost: expected at least 2 modalities, got only \"audio\""));
}
