// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods that take turns or keep a state of their own, as Step and Trainer run them: MLA, ReconBoost, QMF, LFM, MMCosine.

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/method/amco.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/lfm.hpp>
#include <g2d/method/mla.hpp>
#include <g2d/method/mm_cosine.hpp>
#include <g2d/method/opm.hpp>
#include <g2d/method/qmf.hpp>
#include <g2d/method/recon_boost.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

#include "support/check_report.hpp"
#include "support/host_waits.hpp"
#include "support/meta_device.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "support/tiny_encoders.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::OutputKind;
using g2d::check::compare;
using g2d::task::Classification;
namespace method = g2d::method;
using Mla = method::Mla<Classification>;
using Lfm = method::Lfm<Classification>;
using MmCosine = method::MmCosine<Classification>;
using Qmf = method::Qmf<Classification>;
using ReconBoost = method::ReconBoost<Classification>;
using Names = std::vector<std::string>;

constexpr std::int64_t num_samples = 6;
constexpr std::int64_t width = 3;
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
const g2d::optimizer::Sgd plain_sgd{.learning_rate = 0.5, .momentum = 0.0, .weight_decay = 0.0};
const g2d::optimizer::Sgd heavy_sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01};

std::vector<std::int64_t> many(std::size_t count, std::int64_t value) { return std::vector<std::int64_t>(count, value); }

std::shared_ptr<g2d::AnyStudent> student_with(std::string_view fusion, std::size_t num_modalities = 2,
                                              at::ScalarType dtype = at::kDouble) {
  torch::manual_seed(4);
  auto student = make_student(tanh_encoders(many(num_modalities, input_width), many(num_modalities, width)), num_classes, fusion);
  student->to(dtype);
  return student;
}

g2d::Batch batch(std::uint64_t number, std::size_t num_modalities = 2) {
  auto samples = Random(number).batch(OutputKind::Classes, num_samples, many(num_modalities, input_width), num_classes);
  samples.sample_ids = torch::arange(num_samples).mul(5).add(static_cast<std::int64_t>(number));
  return samples;
}

/// The first modality is missing in the samples 1 and 4, and what stands there is not a number.
g2d::Batch batch_with_gaps(std::uint64_t number, std::size_t num_modalities = 2) {
  auto samples = batch(number, num_modalities);
  samples.present = torch::ones({num_samples, static_cast<std::int64_t>(num_modalities)}, torch::kBool);
  for (const std::int64_t row : {1, 4}) {
    samples.present[row][0] = false;
    samples.inputs[0].values[row] = not_a_number;
  }
  return samples;
}

at::Tensor parameter(const g2d::AnyStudent& student, const std::string& name) { return student.named_parameters()[name]; }

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

// --- MLA ---

namespace {

/// MLA by hand: plain tensors, plain SGD.
struct MlaByHand {
  std::vector<at::Tensor> weights, biases;
  at::Tensor head, head_bias, projection = torch::eye(width, torch::kDouble);
  bool has_begun = false;

  explicit MlaByHand(const g2d::AnyStudent& student) {
    const auto copy = [](const at::Tensor& tensor) { return tensor.detach().clone().requires_grad_(); };
    for (std::size_t m = 0; m < student.num_modalities(); ++m) {
      const auto own = student.encoder(m).module()->parameters();
      weights.push_back(copy(own[0]));
      biases.push_back(copy(own[1]));
    }
    head = copy(parameter(student, "fusion.output.weight"));
    head_bias = copy(parameter(student, "fusion.output.bias"));
  }

  void step(const g2d::Batch& samples, double alpha) {
    for (std::size_t m = 0; m < weights.size(); ++m) {
      const auto features = torch::linear(samples.inputs[m].values, weights[m], biases[m]).tanh();
      const auto loss = torch::nn::functional::cross_entropy(torch::linear(features, head, head_bias), samples.target);
      const auto gradients = torch::autograd::grad({loss}, {weights[m], biases[m], head, head_bias});
      auto of_head = gradients[2];
      if (std::exchange(has_begun, true)) {
        const auto r = features.detach().mean(0).unsqueeze(1);
        const auto k = projection.mm(r);
        projection = projection - k.mm(k.t()) / (alpha + r.t().mm(k).item<double>());
        of_head = of_head.mm(projection.t());
      }
      const at::NoGradGuard no_grad;
      weights[m].sub_(gradients[0], plain_sgd.learning_rate);
      biases[m].sub_(gradients[1], plain_sgd.learning_rate);
      head.sub_(of_head, plain_sgd.learning_rate);
      head_bias.sub_(gradients[3], plain_sgd.learning_rate);
    }
  }
};

}  // namespace

TEST_CASE("method::Mla: a step is the step written by hand, modality after modality", "[method][mla]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const auto student = student_with("shared-head", modalities);
    MlaByHand by_hand(*student);
    AnyStep step(*student, Mla(), {.optimizer = plain_sgd, .num_epochs = 2});
    // In the first epoch nobody knows how long it is; from then on alpha falls from 0.1 to 0.01 within each.
    for (std::int64_t epoch = 0; epoch < 3; ++epoch) {
      step.begin_epoch(epoch);
      for (std::int64_t i = 0; i < 4; ++i) {
        const auto samples = batch(static_cast<std::uint64_t>(10 * epoch + i), modalities);
        step(samples);
        by_hand.step(samples, std::pow(0.1, epoch == 0 ? 1.0 : 1.0 + static_cast<double>(i) / 4.0));
      }
    }
    CHECK_REPORT(compare(parameter(*student, "fusion.output.weight"), by_hand.head, "head", 1e-9));
    CHECK_REPORT(compare(parameter(*student, "fusion.output.bias"), by_hand.head_bias, "bias", 1e-9));
    for (std::size_t m = 0; m < modalities; ++m) {
      CHECK_REPORT(compare(student->encoder(m).module()->parameters()[0], by_hand.weights[m], "encoder", 1e-9));
      CHECK(step.work().forwards[m] == 12 * num_samples);
      CHECK(step.work().backwards[m] == 12 * num_samples);
    }
    CHECK(step.work().updates == 12 * static_cast<std::int64_t>(modalities));
  }
}

TEST_CASE("method::Mla: keeps learning over many epochs in single precision", "[method][mla]") {
  const g2d::optimizer::Sgd authors_sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-4};
  for (const bool normalizes : {false, true}) {
    const auto student = student_with("shared-head", 2, at::kFloat);
    auto trainer = make_trainer(*student, Mla({.normalizes = normalizes}),
                                {.optimizer = authors_sgd, .num_epochs = 200, .batch_size = 8});
    const auto history = trainer.fit(blobs(32, 1), blobs(12, 2));
    for (const auto& epoch : history.epochs) CHECK(epoch.num_skipped == 0);
    CHECK(history.epochs.back().losses[0].second < 0.5 * history.epochs.front().losses[0].second);
    CHECK(history.epochs.back().validation.score() > 0.8);
  }
}

TEST_CASE("method::Mla: absent samples do not enter the projection", "[method][mla]") {
  const auto student = student_with("shared-head");
  g2d::Step<g2d::AnyStudent, Mla> step(*student, Mla(), {.optimizer = plain_sgd});
  step(batch(1));
  const auto samples = batch_with_gaps(2);
  const auto there = samples.inputs[0].values.index_select(0, torch::tensor({0, 2, 3, 5}));
  const auto expected =
      method::mla_projection(step.method().projection(), student->encode(0, g2d::Input{there}).mean(0).detach(), 0.1);
  std::vector<at::Tensor> projections;
  step.set_observer({.on_step = [&](const g2d::Observation&) { projections.push_back(step.method().projection()); }});
  step(samples);
  CHECK_REPORT(compare(projections.at(0), expected, "P", 1e-9));
}

TEST_CASE("method::Mla: a bad batch leaves the projection as it was, and the next one is learnt", "[method][mla]") {
  const auto student = student_with("shared-head");
  g2d::Step<g2d::AnyStudent, Mla> step(*student, Mla(), {.optimizer = plain_sgd});
  step(batch(1));
  auto bad = batch(2);
  bad.inputs[0].values[0][0] = not_a_number;
  bad.inputs[1].values[0][0] = not_a_number;
  const auto projection = step.method().projection().clone();
  CHECK(step(bad).is_skipped.item<bool>());
  CHECK(step.method().projection().equal(projection));
  const auto before = snapshot(*student);
  CHECK_FALSE(step(batch(3)).is_skipped.item<bool>());
  CHECK(changed(before, *student).size() == before.size());
}

TEST_CASE("method::Mla: the official projection is another one", "[method][mla]") {
  const auto after = [](const method::MlaOptions& options) {
    const auto student = student_with("shared-head");
    AnyStep step(*student, Mla(options), {.optimizer = plain_sgd});
    step(batch(1));
    return parameter(*student, "fusion.output.weight").detach().clone();
  };
  const auto own = after({});
  CHECK_FALSE(own.equal(after({.denominator = method::MlaDenominator::Elementwise})));
  CHECK_FALSE(own.equal(after({.normalizes = true})));
  CHECK_FALSE(own.equal(after(method::official_mla())));
}

TEST_CASE("method::Mla: what it cannot train is refused", "[method][mla]") {
  const auto late = student_with("late");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*late, Mla(), {}); }) ==
        "g2d: method::Mla: expected a student with fusion::SharedHead, got another fusion; MLA trains one head for all modalities");
  CHECK(thrown<g2d::ConfigError>([] { Mla({.decay = 1.0}); }) == "g2d: method::Mla: expected decay in (0, 1), got 1");
}

// --- ReconBoost ---

TEST_CASE("method::ReconBoost: in its turn only the learner moves, and momentum moves nobody else",
          "[method][recon_boost]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const auto student = student_with("boosted", modalities);
    AnyStep step(*student, ReconBoost({.learner_epochs = 1, .joint_epochs = 1}), {.optimizer = heavy_sgd, .num_epochs = 9});
    for (std::int64_t epoch = 0; epoch < 4 * static_cast<std::int64_t>(modalities); ++epoch) {
      step.begin_epoch(epoch);
      const auto before = snapshot(*student);
      for (std::uint64_t i = 0; i < 3; ++i) CHECK_FALSE(step(batch(i, modalities)).is_skipped.item<bool>());
      const bool is_joint = epoch % 2 == 1;
      const auto learner = static_cast<std::size_t>(epoch / 2) % modalities;
      for (std::size_t m = 0; m < modalities; ++m) CHECK(moved(before, *student, encoder_of(m)) == (is_joint || m == learner));
      CHECK(moved(before, *student, "fusion.hidden"));
      CHECK(moved(before, *student, "fusion.scale") == is_joint);
    }
  }
}

TEST_CASE("method::ReconBoost: agreement teaches the learner, and does not in the authors' code", "[method][recon_boost]") {
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
  CHECK_REPORT(compare(parameter(*student, "fusion.hidden.weight"), parameter(*whole, "fusion.hidden.weight"), "head", 1e-9));
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

// --- QMF ---

namespace {

/// QMF's loss by hand, for logits z_m, sums of losses that include this step's, and all samples present.
double qmf_by_hand(const g2d::AnyStudent& student, const g2d::Batch& samples, std::vector<at::Tensor>& sums,
                   const method::QmfOptions& options) {
  const at::NoGradGuard no_grad;
  const auto features = student.encode(samples.inputs);
  auto fused = torch::zeros({num_samples, num_classes}, torch::kDouble);
  double total = 0.0;
  for (std::size_t m = 0; m < features.size(); ++m) {
    const auto prefix = "fusion." + student.names()[m];
    const auto z = torch::linear(features[m], parameter(student, prefix + ".weight"), parameter(student, prefix + ".bias"));
    const auto losses = z.log_softmax(1).gather(1, samples.target.unsqueeze(1)).squeeze(1).neg();
    sums[m] += losses;
    const auto history = (sums[m] - sums[m].min()) / (sums[m].max() - sums[m].min());
    const auto confidence = z.exp().sum(1).log() / 10.0;
    fused += z * confidence.unsqueeze(1);
    double rank = 0.0;
    for (std::int64_t i = 0; i < num_samples; ++i) {
      const auto j = (i + 1) % num_samples;
      const double gap = (history[i] - history[j]).item<double>();
      const double sign = gap > 0.0 ? 1.0 : gap < 0.0 ? -1.0 : 0.0;
      rank += std::max(0.0, sign * (confidence[i] - confidence[j]).item<double>() - std::abs(gap)) / num_samples;
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
    for (std::size_t m = 0; m < modalities; ++m) sums.push_back(torch::zeros({num_samples}, torch::kDouble));
    for (int i = 0; i < 4; ++i) {
      const auto expected = qmf_by_hand(*student, samples, sums, options);
      CHECK(step(samples).total.item<double>() == Approx(expected));
    }
    CHECK_REPORT(compare(step.method().history().sums(), torch::stack(sums, 1), "history", 1e-9));
  }
}

TEST_CASE("method::Qmf: each sample has one history, in whatever batches it comes", "[method][qmf]") {
  const auto student = student_with("energy-weighted", 2, at::kFloat);
  g2d::Trainer<g2d::AnyStudent, Qmf, Classification> trainer(*student, Qmf(), Classification(),
                                                            {.optimizer = heavy_sgd, .num_epochs = 2, .batch_size = 8});
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

// --- LFM ---

namespace {

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
  [[nodiscard]] std::int64_t size(method::Split) const override { return num_samples; }
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
    const auto z = torch::linear(features[m], parameter(student, prefix + ".weight"), parameter(student, prefix + ".bias"));
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

at::Tensor task_by_hand(g2d::AnyStudent& student, const g2d::Batch& samples) {
  return torch::nn::functional::cross_entropy(student.forward(samples.inputs), samples.target);
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

TEST_CASE("method::Lfm: the learned share follows the angle between what fits validation and what aligns", "[method][lfm]") {
  const auto student = student_with("late", 3);
  AnyStep step(*student, method::JointTraining<Classification>(), {});
  Lfm lfm({.schedule = method::LfmSchedule::Learned, .rate = 0.2});
  lfm.begin({names(3), {width, width, width}, num_classes, 10, {}, &step.student_view()});
  Given run(step.student_view(), batch(1, 3), batch(2, 3));
  double expected = 0.05;
  for (int i = 0; i < 6; ++i) {
    const auto fits = gradient_of(*student, task_by_hand(*student, run.validation_batch));
    const auto moves = gradient_of(*student, divergence_by_hand(*student, run.train) - task_by_hand(*student, run.train));
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
  CHECK_THAT(thrown<g2d::ConfigError>([&] { learned(batch(1)); }), Contains("this method looks at data between epochs"));

  const auto run = [] {
    const auto trained = student_with("late", 2, at::kFloat);
    auto trainer = make_trainer(*trained, Lfm({.schedule = method::LfmSchedule::Learned}), {.num_epochs = 3, .batch_size = 8});
    std::vector<double> shares;
    trainer.step().set_observer({.on_step = [&](const g2d::Observation& seen) { shares.push_back(seen.terms[0].weight / 2.0); }});
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
  CHECK(thrown<g2d::ConfigError>([] { Lfm({.rate = 0.0}); }) == "g2d: method::Lfm: expected rate > 0 and samples >= 2, got 0 and 64");
  const auto alone = student_with("late", 1);
  CHECK_THAT(thrown<g2d::ConfigError>([&] { AnyStep(*alone, Lfm(), {}); }), Contains("method::Lfm: expected at least 2 modalities"));
}

// --- MMCosine ---

TEST_CASE("method::MmCosine: trains on directions, and refuses a fusion that sees lengths", "[method][mm_cosine]") {
  const auto student = student_with("cosine");
  AnyStep step(*student, MmCosine(), {.optimizer = plain_sgd});
  const auto samples = batch(1);
  const auto expected = task_by_hand(*student, samples).item<double>();
  {
    // Longer weights say the same.
    const at::NoGradGuard no_grad;
    parameter(*student, "fusion.audio.weight").mul_(7.0);
  }
  CHECK(step(samples).total.item<double>() == Approx(expected));
  const auto late = student_with("late");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*late, MmCosine(), {}); }) ==
        "g2d: method::MmCosine: expected a student with fusion::Cosine, got another fusion");
}

// --- what waits for a device ---

namespace {

/// The waits of the second step in each of some epochs, on a device without values.
Names waits(std::string_view fusion, method::Any method, std::int64_t num_epochs) {
  const auto student = make_student({std::make_shared<RunningMean>(5), std::make_shared<RunningMean>(2)}, num_classes, fusion);
  become_meta(*student);
  AnyStep step(*student, std::move(method), {.num_epochs = num_epochs, .finite_check = g2d::FiniteCheck::Gradients});
  auto samples = Random(1, torch::kFloat).batch(OutputKind::Classes, num_samples, {5, 2}, num_classes);
  samples.sample_ids = torch::arange(num_samples);
  for (auto& input : samples.inputs) input.values = input.values.to(torch::kMeta);
  samples.target = samples.target.to(torch::kMeta);
  samples.present = torch::ones({num_samples, 2}, torch::kBool).to(torch::kMeta);
  Names found;
  for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) {
    step.begin_epoch(epoch);
    step(samples);
    const HostWaits listening;
    step(samples);
    found.insert(found.end(), HostWaits::found().begin(), HostWaits::found().end());
  }
  return found;
}

}  // namespace

TEST_CASE("methods that take turns or keep a state wait for no device", "[method][meta]") {
  CHECK(waits("shared-head", Mla(), 2) == Names());
  CHECK(waits("shared-head", Mla(method::official_mla()), 2) == Names());
  CHECK(waits("boosted", ReconBoost({.learner_epochs = 1, .joint_epochs = 1}), 4) == Names());
  CHECK(waits("late", Lfm(), 2) == Names());
  CHECK(waits("cosine", MmCosine(), 2) == Names());
  // The samples' row numbers go to the device; nothing comes back.
  CHECK(waits("energy-weighted", Qmf(), 1) == Names{"aten::to"});
}

TEST_CASE("methods that drop features or mask classes wait for no device", "[method][meta]") {
  const method::Opm<Classification> opm({.batch_share = 1.0, .warm_up_epochs = 0});
  CHECK(waits("concat", method::Stack(method::Supervised<Classification>(), opm), 2) == Names());
  CHECK(waits("late", method::Amco<Classification>(), 2) == Names());
}
