// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// LFM as Step and Trainer run it.

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/method/joint_training.hpp>
#include <g2d/method/lfm.hpp>

#include "method/step_case.hpp"
#include "support/random_case.hpp"
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
using Lfm = method::Lfm<Classification>;

/// A run whose batches are given; it must not be asked for anything else.
struct Given final : method::Run {
  const method::StudentView& view;
  g2d::Batch train, validation_batch;

  Given(const method::StudentView& view_, g2d::Batch train_, g2d::Batch validation_)
      : view(view_), train(std::move(train_)), validation_batch(std::move(validation_)) {}

  [[nodiscard]] std::int64_t epoch() const override { return 1; }
  [[nodiscard]] std::int64_t num_epochs() const override { return 10; }
  [[nodiscard]] const method::StudentView& student() const override { return view; }
  [[nodiscard]] const method::ValidationResult* validation() const override { return nullptr; }
  [[nodiscard]] std::int64_t size(method::Split) const override { return batch_size; }
  [[nodiscard]] method::FeatureTable features(method::Split, std::int64_t) override { return {}; }
  [[nodiscard]] g2d::Batch batch(method::Split split, std::int64_t) override {
    return split == method::Split::Train ? train : validation_batch;
  }
  [[nodiscard]] method::TrialResult trial(std::int64_t) override { return {}; }
};

/// All gradients of a loss, in one row.
at::Tensor gradient_of(g2d::AnyStudent& student, const at::Tensor& loss) {
  student.zero_grad();
  loss.backward();
  std::vector<at::Tensor> parts;
  for (const auto& value : student.parameters()) {
    parts.push_back((value.grad().defined() ? value.grad().clone() : torch::zeros_like(value)).flatten());
  }
  student.zero_grad();
  return torch::cat(parts);
}

at::Tensor divergence_by_hand(const g2d::AnyStudent& student, const g2d::Batch& samples) {
  const auto features = student.encode(samples.inputs);
  std::vector<at::Tensor> p;
  for (std::size_t m = 0; m < features.size(); ++m) {
    const auto prefix = "fusion." + student.names()[m];
    const auto z =
        torch::linear(features[m], parameter(student, prefix + ".weight"), parameter(student, prefix + ".bias"));
    p.push_back(z.softmax(1));
  }
  at::Tensor sum;
  double pairs = 0.0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    for (std::size_t j = i + 1; j < p.size(); ++j, pairs += 1.0) {
      const auto mixture = (p[i] + p[j]) / 2;
      const auto value = (mixture * ((mixture / p[i]).log() + (mixture / p[j]).log())).sum(1).mean() / 2;
      sum = sum.defined() ? sum + value : value;
    }
  }
  return sum / pairs;
}

}  // namespace

TEST_CASE("method::Lfm: the loss is the two shares' sum, for 2 to 4 modalities", "[method][lfm]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const auto student = student_with("late", modalities);
    AnyStep step(*student, Lfm(), {.optimizer = plain_sgd, .num_epochs = 200});
    step.begin_epoch(50);
    const auto samples = batch(1, modalities);
    const double share = method::lfm_fitted_share(50.0);
    const double expected = 2.0 * (share * task_by_hand(*student, samples).item<double>() +
                                   (1.0 - share) * divergence_by_hand(*student, samples).item<double>());
    CHECK(step(samples).total.item<double>() == Approx(expected));
  }
}

TEST_CASE("method::Lfm: the learned share follows the angle between what fits validation and what aligns",
          "[method][lfm]") {
  const auto student = student_with("late", 3);
  AnyStep step(*student, method::JointTraining<Classification>(), {});
  Lfm lfm({.schedule = method::LfmSchedule::Learned, .rate = 0.2});
  lfm.begin({names(3), {width, width, width}, num_classes, 10, {}, &step.student_view()});
  Given run(step.student_view(), batch(1, 3), batch(2, 3));
  double expected = 0.05;
  for (int i = 0; i < 6; ++i) {
    const auto fits = gradient_of(*student, task_by_hand(*student, run.validation_batch));
    const auto moves =
        gradient_of(*student, divergence_by_hand(*student, run.train) - task_by_hand(*student, run.train));
    expected = std::clamp(expected - 0.2 * (fits.dot(moves) / fits.norm() / moves.norm()).item<double>(), 0.05, 0.95);
    lfm.prepare(run);
    CHECK(lfm.share() == Approx(expected));
    CHECK(lfm.share() > 0.05);
    for (const auto& value : student->parameters()) CHECK_FALSE(value.grad().defined());
  }
  // Whatever stands where a sample lacks a modality does not reach the share.
  const auto before = lfm.share();
  run.train = batch_with_gaps(3, 3);
  run.validation_batch = batch_with_gaps(4, 3);
  lfm.prepare(run);
  CHECK(std::isfinite(lfm.share()));
  CHECK(lfm.share() != before);
}

TEST_CASE("method::Lfm: only the learned share asks for a trainer", "[method][lfm]") {
  const auto student = student_with("late");
  AnyStep fitted(*student, Lfm({.schedule = method::LfmSchedule::Exponential}), {.num_epochs = 100});
  CHECK(std::isfinite(fitted(batch(1)).total.item<double>()));
  AnyStep learned(*student, Lfm({.schedule = method::LfmSchedule::Learned}), {});
  CHECK_THAT(thrown<g2d::ConfigError>([&] { learned(batch(1)); }),
             Contains("this method looks at data between epochs"));

  const auto run = [] {
    const auto trained = student_with("late", 2, at::kFloat);
    auto trainer =
        make_trainer(*trained, Lfm({.schedule = method::LfmSchedule::Learned}), {.num_epochs = 3, .batch_size = 8});
    std::vector<double> shares;
    trainer.step().set_observer(
        {.on_step = [&](const g2d::Observation& seen) { shares.push_back(seen.terms[0].weight / 2.0); }});
    (void)trainer.fit(blobs(16, 1), blobs(9, 2));
    return std::pair(shares, snapshot(*trained));
  };
  const auto [shares, weights] = run();
  REQUIRE(shares.size() == 6);
  CHECK(shares[0] == Approx(0.05));
  CHECK(shares[1] == shares[0]);
  CHECK(shares[2] > shares[0]);
  CHECK(shares[4] > shares[2]);
  CHECK(run() == std::pair(shares, weights));
}

TEST_CASE("method::Lfm: what it cannot train is refused", "[method][lfm]") {
  const auto sum = student_with("sum");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*sum, Lfm(), {}); }) ==
        "g2d: method::Lfm: expected a student with fusion::Late, got another fusion");
  CHECK(thrown<g2d::ConfigError>([] { Lfm({.rate = 0.0}); }) ==
        "g2d: method::Lfm: expected rate > 0 and samples >= 2, got 0 and 64");
  const auto alone = student_with("late", 1);
  CHECK_THAT(thrown<g2d::ConfigError>([&] { AnyStep(*alone, Lfm(), {}); }),
             Contains("method::Lfm: expected at least 2 modalities"));
}
