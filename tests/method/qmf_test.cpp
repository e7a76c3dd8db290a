// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// QMF as Step and Trainer run it.

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/method/qmf.hpp>

#include "method/step_case.hpp"
#include "support/check_report.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using g2d::check::compare;
using g2d::task::Classification;
namespace method = g2d::method;
using Qmf = method::Qmf<Classification>;

/// QMF's loss by hand, for logits z_m, sums of losses that include this step's, and all samples present.
double qmf_by_hand(const g2d::AnyStudent& student, const g2d::Batch& samples, std::vector<at::Tensor>& sums,
                   const method::QmfOptions& options) {
  const at::NoGradGuard no_grad;
  const auto features = student.encode(samples.inputs);
  auto fused = torch::zeros({batch_size, num_classes}, torch::kDouble);
  double total = 0.0;
  for (std::size_t m = 0; m < features.size(); ++m) {
    const auto prefix = "fusion." + student.names()[m];
    const auto z =
        torch::linear(features[m], parameter(student, prefix + ".weight"), parameter(student, prefix + ".bias"));
    const auto losses = z.log_softmax(1).gather(1, samples.target.unsqueeze(1)).squeeze(1).neg();
    sums[m] += losses;
    const auto history = (sums[m] - sums[m].min()) / (sums[m].max() - sums[m].min());
    const auto confidence = z.exp().sum(1).log() / 10.0;
    fused += z * confidence.unsqueeze(1);
    double rank = 0.0;
    for (std::int64_t i = 0; i < batch_size; ++i) {
      const auto j = (i + 1) % batch_size;
      const double gap = (history[i] - history[j]).item<double>();
      const double sign = gap > 0.0 ? 1.0 : gap < 0.0 ? -1.0 : 0.0;
      rank += std::max(0.0, sign * (confidence[i] - confidence[j]).item<double>() - std::abs(gap)) / batch_size;
    }
    total += losses.mean().item<double>() + options.rank_weight * rank;
  }
  return total + options.joint_weight * torch::nn::functional::cross_entropy(fused, samples.target).item<double>();
}

}  // namespace

TEST_CASE("method::Qmf: the loss follows what each sample has cost so far", "[method][qmf]") {
  for (std::size_t modalities = 1; modalities <= 4; ++modalities) {
    const auto student = student_with("energy-weighted", modalities);
    const method::QmfOptions options{.joint_weight = 0.5, .rank_weight = 20.0};
    g2d::Step<g2d::AnyStudent, Qmf> step(*student, Qmf(options), {.optimizer = plain_sgd});
    auto samples = batch(1, modalities);
    std::vector<at::Tensor> sums;
    for (std::size_t m = 0; m < modalities; ++m) sums.push_back(torch::zeros({batch_size}, torch::kDouble));
    for (int i = 0; i < 4; ++i) {
      const auto expected = qmf_by_hand(*student, samples, sums, options);
      CHECK(step(samples).total.item<double>() == Approx(expected));
    }
    CHECK_REPORT(compare(step.method().history().sums(), torch::stack(sums, 1), "history", 1e-9));
  }
}

TEST_CASE("method::Qmf: each sample has one history, in whatever batches it comes", "[method][qmf]") {
  const auto student = student_with("energy-weighted", 2, at::kFloat);
  g2d::Trainer<g2d::AnyStudent, Qmf, Classification> trainer(
      *student, Qmf(), Classification(), {.optimizer = heavy_sgd, .num_epochs = 2, .batch_size = 8});
  const auto history = trainer.fit(blobs(32, 1), blobs(9, 2));
  const auto& sums = trainer.step().method().history().sums();
  CHECK(sums.size(0) == 32);
  double spent = 0.0;
  for (const auto& epoch : history.epochs) {
    for (const auto& [name, loss] : epoch.losses) spent += name.starts_with("unimodal") ? loss : 0.0;
  }
  CHECK(sums.mean(0).sum().item<double>() == Approx(spent).epsilon(1e-5));
}

TEST_CASE("method::Qmf: a missing modality costs a sample nothing, and a bad batch forgets nothing", "[method][qmf]") {
  const auto student = student_with("energy-weighted");
  g2d::Step<g2d::AnyStudent, Qmf> step(*student, Qmf(), {.optimizer = plain_sgd});
  step(batch_with_gaps(1));
  const auto first = step.method().history().sums().select(1, 0);
  CHECK(first.eq(0).equal(torch::tensor({0, 1, 0, 0, 1, 0}).to(torch::kBool)));
  auto bad = batch(1);
  bad.inputs[1].values[0][0] = not_a_number;
  CHECK(step(bad).is_skipped.item<bool>());
  CHECK(step.method().history().sums().isfinite().all().item<bool>());
}

TEST_CASE("method::Qmf: what it cannot train is refused", "[method][qmf]") {
  const auto late = student_with("late");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*late, Qmf(), {}); }) ==
        "g2d: method::Qmf: expected a student with fusion::EnergyWeighted, got another fusion");
  CHECK(thrown<g2d::ConfigError>([] { Qmf({.rank_weight = -1.0}); }) ==
        "g2d: method::Qmf: expected joint_weight and rank_weight >= 0, got 1 and -1");
  const auto student = student_with("energy-weighted");
  AnyStep step(*student, Qmf(), {});
  auto samples = batch(1);
  samples.sample_ids = at::Tensor();
  CHECK(thrown<g2d::ShapeError>([&] { step(samples); }) ==
        "g2d: method::Qmf: expected batches with sample_ids, got none; it keeps a history of each sample");
}
