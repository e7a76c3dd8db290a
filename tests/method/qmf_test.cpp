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

TEST_CASE("method::Qmf: a missing modality costs a sample nothing, and a bad batch costs nobody", "[method][qmf]") {
  const auto student = student_with("energy-weighted");
  g2d::Step<g2d::AnyStudent, Qmf> step(*student, Qmf(), {.optimizer = plain_sgd});
  step(batch_with_gaps(1));
  const auto first = step.method().history().sums().select(1, 0);
  CHECK(first.eq(0).equal(torch::tensor({0, 1, 0, 0, 1, 0}).to(torch::kBool)));
  auto bad = batch(1);
  bad.inputs[1].values[0][0] = not_a_number;
  const auto sums = step.method().history().sums().clone();
  CHECK(step(bad).is_skipped.item<bool>());
  CHECK(step.method().history().sums().equal(sums));
}

TEST_CASE("method::Qmf: the modalities' losses are the task's, class weights and label smoothing included",
          "[method][qmf]") {
  const Classification task({.class_weights = torch::linspace(0.5, 3.0, num_classes), .label_smoothing = 0.2});
  const auto student = student_with("energy-weighted");
  const auto samples = batch_with_gaps(1);
  const auto logits = student->fusion().authors_logits(student->encode(samples.inputs, samples.present));
  const auto rows = torch::tensor({0, 2, 3, 5});
  const auto of_first = task.loss(logits[0].index_select(0, rows), samples.target.index_select(0, rows));
  const auto of_second = task.loss(logits[1], samples.target);
  AnyStep step(*student, Qmf({}, task), {.optimizer = plain_sgd});
  std::vector<double> unimodal;
  for (const auto& term : step(samples).terms) {
    if (term.name == "unimodal") unimodal.push_back(term.value.item<double>());
  }
  REQUIRE(unimodal.size() == 2);
  CHECK(unimodal[0] == Approx(of_first.item<double>()));
  CHECK(unimodal[1] == Approx(of_second.item<double>()));
}

TEST_CASE("method::Qmf: samples that lack a modality do not set the scale of its histories", "[method][qmf]") {
  const auto student = student_with("energy-weighted");
  const auto rank_of_first = [&](const at::Tensor& rows) {
    auto samples = batch_with_gaps(1);
    for (auto& input : samples.inputs) input.values = input.values.index_select(0, rows);
    samples.target = samples.target.index_select(0, rows);
    samples.sample_ids = samples.sample_ids.index_select(0, rows);
    samples.present = samples.present.index_select(0, rows);
    method::Qmf<Classification> qmf({.rank_weight = 1.0});
    g2d::Work work{{0, 0}, {0, 0}, 0};
    const g2d::detail::StudentAccess<g2d::AnyStudent> view(*student, work);
    qmf.begin({student->names(), {width, width}, num_classes, 10, {}, &view});
    method::Outputs outputs;
    const at::NoGradGuard no_grad;
    outputs.encoded = student->encode(samples.inputs, samples.present);
    // The first sample is far surer than the second, and both are wrong, the first one more: it must not be so sure.
    outputs.encoded[0] = outputs.encoded[0].mul(60.0);
    outputs.encoded[0].select(0, 0).mul_(5.0);
    samples.target = student->fusion().authors_logits(outputs.encoded)[0].argmin(1);
    outputs.fused = view.fuse(outputs.encoded).logits;
    method::Terms terms;
    qmf.loss({0, 0, samples, nullptr, 0, &view}, outputs, terms);
    for (const auto& term : terms) {
      if (term.name == "rank" && term.modality == std::size_t{0}) return term.value.item<double>();
    }
    return not_a_number;
  };
  // 2 and 3 are neighbours that have the modality; 1 and 4 lack it.
  const auto of_pairs = [&](std::vector<std::int64_t> rows) { return rank_of_first(torch::tensor(rows)); };
  const double alone = of_pairs({2, 3});
  REQUIRE(alone > 0.0);
  CHECK(of_pairs({2, 3, 4}) == Approx(alone));
  CHECK(of_pairs({2, 3, 1, 4}) == Approx(alone));
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
