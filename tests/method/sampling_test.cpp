// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods that choose what a student is shown and how it is weighed: OPM, AMCo, modality valuation, re-learning, G-Blend.

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <g2d/method/amco.hpp>
#include <g2d/method/detail/k_means.hpp>
#include <g2d/method/gradient_blending.hpp>
#include <g2d/method/opm.hpp>
#include <g2d/method/relearning.hpp>
#include <g2d/method/valuation.hpp>
#include <g2d/method/window.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/detail/student_access.hpp>

#include "support/snapshot.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace method = g2d::method;
using g2d::task::Classification;
using g2d::task::Regression;
using method::Split;
using Doubles = std::vector<double>;

constexpr std::int64_t num_samples = 12;

std::shared_ptr<g2d::AnyStudent> plain_student(std::size_t modalities, std::string_view fusion = "concat",
                                               std::string_view readout = "auto") {
  torch::manual_seed(7);
  std::vector<std::int64_t> widths;
  for (std::size_t m = 0; m < modalities; ++m) widths.push_back(static_cast<std::int64_t>(m) + 2);
  return make_student(tanh_encoders(std::vector<std::int64_t>(modalities, input_width), widths), num_classes, fusion, readout);
}

/// A student and a batch, to call hooks by hand.
struct Scene {
  std::shared_ptr<g2d::AnyStudent> student;
  g2d::Work work;
  g2d::detail::StudentAccess<g2d::AnyStudent> view;
  g2d::Batch batch;

  explicit Scene(std::size_t modalities, std::string_view fusion = "concat", std::string_view readout = "auto")
      : student(plain_student(modalities, fusion, readout)),
        work{g2d::PerModality<std::int64_t>(modalities, 0), g2d::PerModality<std::int64_t>(modalities, 0), 0},
        view(*student, work),
        batch(blobs(num_samples, 1, modalities).batch(torch::arange(num_samples))) {}

  [[nodiscard]] std::size_t num_modalities() const { return student->num_modalities(); }

  [[nodiscard]] method::Setup setup(std::int64_t num_epochs = 10) const {
    method::Setup setup{student->names(), {}, num_classes, num_epochs, {}, &view};
    for (std::size_t m = 0; m < num_modalities(); ++m) setup.feature_widths.push_back(student->handed_on_width(m));
    return setup;
  }
  [[nodiscard]] method::StepContext context(std::int64_t epoch = 0, std::int64_t step = 0) const {
    return {epoch, step, batch, nullptr, 0, &view};
  }
  [[nodiscard]] method::Outputs outputs() const {
    method::Outputs outputs;
    outputs.encoded = student->encode(batch.inputs, batch.present);
    outputs.fused = view.fuse(outputs.encoded).logits;
    outputs.unimodal = student->unimodal_logits(outputs.encoded);
    return outputs;
  }
  /// Outputs after the method's forward hook.
  template <class Method>
  [[nodiscard]] method::Outputs shown(Method& method, std::int64_t epoch = 0, std::int64_t step = 0) const {
    auto given = outputs();
    method.forward(context(epoch, step), given);
    return given;
  }
  template <class Method>
  [[nodiscard]] method::Terms terms(Method& method, const method::Outputs& given) const {
    method::Terms terms;
    method.loss(context(), given, terms);
    return terms;
  }
};

/// A run whose services are prescribed.
struct Prescribed final : method::Run {
  explicit Prescribed(const method::StudentView& student_) : view(student_) {}

  const method::StudentView& view;
  std::int64_t coming = 0;
  method::FeatureTable train = {}, held_out = {};
  std::function<method::TrialResult(std::int64_t)> on_trial = {};
  std::vector<std::int64_t> asked = {};  ///< For how many samples, of either split.

  [[nodiscard]] std::int64_t epoch() const override { return coming; }
  [[nodiscard]] std::int64_t num_epochs() const override { return 40; }
  [[nodiscard]] const method::StudentView& student() const override { return view; }
  [[nodiscard]] const method::ValidationResult* validation() const override { return nullptr; }
  [[nodiscard]] std::int64_t size(Split split) const override {
    return (split == Split::Train ? train : held_out).target.size(0);
  }
  [[nodiscard]] method::FeatureTable features(Split split, std::int64_t max_samples) override {
    asked.push_back(max_samples);
    const auto& all = split == Split::Train ? train : held_out;
    const auto count = std::min(max_samples, all.target.size(0));
    method::FeatureTable some{{}, all.target.narrow(0, 0, count), all.rows.narrow(0, 0, count), {}};
    for (const auto& features : all.features) some.features.push_back(features.narrow(0, 0, count));
    if (all.present.defined()) some.present = all.present.narrow(0, 0, count);
    return some;
  }
  [[nodiscard]] g2d::Batch batch(Split, std::int64_t) override { throw std::logic_error("not asked for"); }
  [[nodiscard]] method::TrialResult trial(std::int64_t num_epochs) override { return on_trial(num_epochs); }
};

method::FeatureTable table_of(const Scene& scene) {
  const at::NoGradGuard no_grad;
  return {scene.student->encode(scene.batch.inputs, scene.batch.present), scene.batch.target, torch::arange(num_samples),
          scene.batch.present};
}

template <class Method>
method::Plan planned(Method& method, std::int64_t epoch, std::size_t modalities = 2) {
  method::Plan plan{.controls = method::Controls(modalities)};
  method.plan(epoch, plan);
  return plan;
}

/// An entry that shows modality m alone.
at::Tensor is_alone(const method::SampleView& view, std::int64_t m) {
  return view.keep.select(1, m).logical_and(view.keep.sum(1).eq(1));
}

/// The bytes of a small run's weights.
Snapshot trained(g2d::method::Any method, std::vector<g2d::EpochReport>* reports = nullptr, std::string_view readout = "auto",
                 at::Tensor present = {}) {
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

template <class Method>
g2d::method::Any on_supervised(Method method) {
  return method::Stack(method::Supervised<Classification>(), std::move(method));
}

/// Every third sample lacks the first modality, every third one the second.
at::Tensor some_absent(std::int64_t count) {
  const auto turn = torch::arange(count).remainder(3);
  return torch::stack({turn.ne(0), turn.ne(1)}, 1);
}

}  // namespace

// --- k-means ---

TEST_CASE("k_means: finds the best of all partitions", "[method]") {
  constexpr int num_points = 8;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto points = Random(seed).normal({num_points, 2});
    const auto x = points.accessor<double, 2>();
    double least = std::numeric_limits<double>::infinity();
    for (int code = 0; code < 6561; ++code) {  // 3^8 ways to give 8 points to 3 clusters
      std::array<std::array<double, 4>, 3> sums{};
      for (int i = 0, rest = code; i < num_points; ++i, rest /= 3) {
        auto& sum = sums[static_cast<std::size_t>(rest % 3)];
        sum[0] += 1.0;
        sum[1] += x[i][0];
        sum[2] += x[i][1];
        sum[3] += x[i][0] * x[i][0] + x[i][1] * x[i][1];
      }
      double spread = 0.0;
      for (const auto& sum : sums) spread += sum[0] > 0.0 ? sum[3] - (sum[1] * sum[1] + sum[2] * sum[2]) / sum[0] : 0.0;
      least = std::min(least, spread);
    }
    const auto clusters = g2d::method::detail::k_means(points, {.num_clusters = 3, .restarts = 20, .seed = seed});
    CHECK(clusters.inertia == Approx(least));
    const auto distances = (points.unsqueeze(1) - clusters.centers.unsqueeze(0)).square().sum(2);
    CHECK(distances.argmin(1).equal(clusters.assignment));
  }
}

TEST_CASE("k_means: is a function of points and seed, and leaves LibTorch's generator alone", "[method]") {
  const auto points = Random(1).normal({40, 3});
  const auto run = [&](std::uint64_t global) {
    torch::manual_seed(global);
    const auto clusters = g2d::method::detail::k_means(points, {.num_clusters = 5, .restarts = 1, .seed = 3});
    return std::pair(clusters.assignment, torch::rand({1}));
  };
  const auto [first, next] = run(1);
  CHECK(first.equal(run(2).first));
  torch::manual_seed(1);
  CHECK(next.equal(torch::rand({1})));
}

TEST_CASE("k_means: takes as many clusters as points, and points that are all the same", "[method]") {
  const auto distinct = torch::arange(5, torch::kDouble).unsqueeze(1);
  const auto each = g2d::method::detail::k_means(distinct, {.num_clusters = 5});
  CHECK(each.inertia == Approx(0.0).margin(1e-12));
  const auto same = g2d::method::detail::k_means(torch::ones({6, 2}), {.num_clusters = 3});
  CHECK(same.inertia == 0.0);
  CHECK(same.centers.equal(torch::ones({3, 2})));
}

TEST_CASE("k_means: a cluster without points moves to where points are far from their centers", "[method]") {
  const auto points = torch::tensor({{0.0}, {1.0}, {10.0}});
  const auto centers = g2d::method::detail::mean_centers(points, torch::tensor({0, 0, 0}), torch::tensor({0.0, 1.0, 100.0}), 2);
  CHECK(torch::allclose(centers, torch::tensor({{11.0 / 3.0}, {10.0}})));
}

// --- OPM ---

TEST_CASE("method::Opm: drops the features of who is ahead and scales the rest, or nobody's", "[method]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const Scene scene(modalities);
    method::Opm<Classification> opm({.batch_share = 1.0, .warm_up_epochs = 0});
    const auto whole = scene.outputs();
    Doubles scores, rates;
    for (const auto& logits : whole.unimodal) {
      scores.push_back(logits.softmax(1).gather(1, scene.batch.target.unsqueeze(1)).sum().item<double>());
    }
    double dropped = 0.0, widths = 0.0, total = 0.0;
    for (const double score : scores) total += score;
    for (std::size_t m = 0; m < modalities; ++m) {
      const double ratio = scores[m] * static_cast<double>(modalities - 1) / (total - scores[m]);
      rates.push_back(ratio > 1.0 ? 0.5 * (1.0 + 0.5 * std::tanh(ratio - 1.0)) : 0.0);
      const auto width = static_cast<double>(whole.encoded[m].size(1));
      dropped += width * rates[m];
      widths += width;
    }
    REQUIRE(dropped > 0.0);
    torch::manual_seed(3);
    const auto seen = scene.shown(opm);
    CHECK(seen.unimodal[0].equal(whole.unimodal[0]));
    CHECK(seen.encoded[0].equal(whole.encoded[0]));
    CHECK_FALSE(seen.keep_rows.defined());
    // Each row is fused from one choice of kept modalities, and who is not ahead is always kept.
    auto is_explained = torch::zeros({num_samples}, torch::kBool);
    auto is_complete = torch::zeros({num_samples}, torch::kBool);
    for (std::size_t kept = 1; kept < (std::size_t{1} << modalities); ++kept) {
      g2d::PerModality<at::Tensor> features;
      bool is_possible = true;
      for (std::size_t m = 0; m < modalities; ++m) {
        const bool is_kept = ((kept >> m) & 1U) != 0;
        is_possible = is_possible && (is_kept || rates[m] > 0.0);
        features.push_back(whole.encoded[m] * (is_kept ? 1.0 / (1.0 - dropped / widths) : 0.0));
      }
      const auto matches = scene.view.fuse(features).logits.isclose(seen.fused, 1e-4, 1e-5).all(1);
      if (is_possible) is_explained.logical_or_(matches);
      if (kept + 1 == std::size_t{1} << modalities) is_complete = matches;
    }
    CHECK(is_explained.all().item<bool>());
    CHECK(is_complete.any().item<bool>());
    CHECK_FALSE(is_complete.all().item<bool>());
  }
}

TEST_CASE("method::Opm: warm-up, share of the batches, and no modality to compare with", "[method]") {
  const Scene scene(2);
  method::Opm<Classification> opm;
  CHECK(scene.shown(opm, 5).fused.equal(scene.outputs().fused));
  int num_dropping = 0;
  for (std::int64_t step = 0; step < 400; ++step) num_dropping += scene.shown(opm, 6, step).fused.equal(scene.outputs().fused) ? 0 : 1;
  CHECK(num_dropping == Approx(280).margin(40));
  const Scene alone(1);
  method::Opm<Regression> values({.batch_share = 1.0, .warm_up_epochs = 0});
  auto outputs = alone.outputs();
  g2d::Batch batch = alone.batch;
  batch.target = torch::zeros({num_samples, num_classes});
  values.forward({0, 0, batch, nullptr, 0, &alone.view}, outputs);
  CHECK(torch::allclose(outputs.fused, alone.outputs().fused));
}

TEST_CASE("method::Opm: keeps a complete sample's weakest modality, and all of a sample that would lose all", "[method]") {
  torch::manual_seed(1);
  Random random(2);
  const method::OpmOptions eager{.base_rate = 0.99, .sensitivity = 10.0};
  for (std::int64_t modalities = 2; modalities <= 4; ++modalities) {
    const auto scores = random.normal({modalities}).abs();
    const auto kept = method::opm_kept(method::opm_rates(scores, eager), 50, {});
    CHECK(kept.select(1, scores.argmin().item<std::int64_t>()).all().item<bool>());
  }
  const auto rates = torch::tensor({1.0, 0.0});
  const auto present = torch::tensor({{true, true}, {true, false}});
  CHECK(method::opm_kept(rates, 2, present).equal(torch::tensor({{false, true}, {true, true}})));
  CHECK(method::opm_kept(torch::ones({3}), 4, {}).all().item<bool>());
}

TEST_CASE("method::Opm: who lacks a modality does not count for its score", "[method]") {
  Scene scene(2);
  scene.batch.present = torch::ones({num_samples, 2}, torch::kBool);
  scene.batch.present.narrow(0, 1, num_samples - 1).select(1, 0).fill_(false);
  const auto outputs = scene.outputs();
  const auto scores = [&](std::int64_t m, std::int64_t rows) {
    const auto probability = outputs.unimodal[static_cast<std::size_t>(m)].softmax(1).gather(1, scene.batch.target.unsqueeze(1));
    return probability.narrow(0, 0, rows).mean();
  };
  const auto rates = method::opm_rates(torch::stack({scores(0, 1), scores(1, num_samples)}), {});
  method::Opm<Classification> opm({.batch_share = 1.0, .warm_up_epochs = 0});
  const auto seen = scene.shown(opm);
  // Of the two, only one can be dropped: the fused rows say who, by the scale of what is kept.
  const auto theta = (rates[0] * 2.0 + rates[1] * 3.0).item<double>() / 5.0;
  g2d::PerModality<at::Tensor> features;
  for (const auto& h : outputs.encoded) features.push_back(h / (1.0 - theta));
  CHECK(scene.view.fuse(features).logits.isclose(seen.fused, 1e-4, 1e-5).all(1).any().item<bool>());
}

TEST_CASE("method::Opm: a modality that no sample of the batch has makes nobody ahead", "[method]") {
  const auto shown_without = [](std::size_t modalities, const std::vector<std::int64_t>& absent) {
    Scene scene(modalities);
    scene.batch.present = torch::ones({num_samples, static_cast<std::int64_t>(modalities)}, torch::kBool);
    for (const auto m : absent) scene.batch.present.select(1, m).fill_(false);
    method::Opm<Classification> opm({.batch_share = 1.0, .warm_up_epochs = 0});
    torch::manual_seed(3);
    return std::pair(scene.shown(opm).fused, scene.outputs().fused);
  };
  for (const auto& [modalities, absent] : std::vector<std::pair<std::size_t, std::vector<std::int64_t>>>{
           {2, {0}}, {2, {1}}, {2, {0, 1}}, {3, {0, 1}}, {3, {0, 2}}, {3, {1, 2}}}) {
    const auto [seen, whole] = shown_without(modalities, absent);
    CHECK(seen.equal(whole));
  }
}

TEST_CASE("method::Opm: of those that the batch has, one is ahead of the mean of the others, and what is not there is not dropped", "[method]") {
  Scene scene(3);
  scene.batch.present = torch::ones({num_samples, 3}, torch::kBool);
  scene.batch.present.select(1, 2).fill_(false);
  const auto outputs = scene.outputs();
  const auto score = [&](std::size_t m) { return outputs.unimodal[m].softmax(1).gather(1, scene.batch.target.unsqueeze(1)).mean(); };
  const auto mean = (score(0) + score(1)) / 2.0;
  const auto rates = method::opm_rates(torch::stack({score(0), score(1), mean}), {});
  const auto theta = (rates[0] * 2.0 + rates[1] * 3.0).item<double>() / (2.0 + 3.0 + 4.0);
  REQUIRE(theta > 0.0);
  method::Opm<Classification> opm({.batch_share = 1.0, .warm_up_epochs = 0});
  torch::manual_seed(3);
  const auto seen = scene.shown(opm);
  // The rows that keep all say by what the features are multiplied.
  g2d::PerModality<at::Tensor> features;
  for (const auto& h : outputs.encoded) features.push_back(h / (1.0 - theta));
  CHECK(scene.view.fuse(features).logits.isclose(seen.fused, 1e-4, 1e-5).all(1).any().item<bool>());
}

TEST_CASE("method::Opm: refuses options out of range", "[method]") {
  using Opm = method::Opm<Classification>;
  CHECK(thrown<g2d::ConfigError>([] { Opm({.base_rate = 1.0}); }) == "g2d: method::Opm: expected base_rate in [0, 1), got 1");
  CHECK(thrown<g2d::ConfigError>([] { Opm({.sensitivity = -1.0}); }) == "g2d: method::Opm: expected sensitivity >= 0, got -1");
  CHECK(thrown<g2d::ConfigError>([] { Opm({.batch_share = 2.0}); }) == "g2d: method::Opm: expected batch_share in [0, 1], got 2");
}

// --- AMCo ---

TEST_CASE("method::Amco: who was leant on in the step before is masked, in the end entirely", "[method]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const Scene scene(modalities);
    const auto parts = scene.view.split_logits(scene.outputs().encoded);
    std::vector<at::Tensor> exponentials;
    for (const auto& part : parts) exponentials.push_back(part.exp().sum(1));
    const auto mass = torch::stack(exponentials, 1);
    const auto is_dependent = (mass / mass.sum(1, true)).mean(0).gt(1.0 / static_cast<double>(modalities));
    REQUIRE(is_dependent.any().item<bool>());
    REQUIRE_FALSE(is_dependent.all().item<bool>());

    method::Amco<Classification> amco;
    amco.begin(scene.setup());
    CHECK_FALSE(amco.is_dependent().defined());
    const auto first = scene.shown(amco, 9);
    CHECK(torch::allclose(first.fused, scene.outputs().fused, 1e-4, 1e-6));
    CHECK(amco.is_dependent().equal(is_dependent));
    const auto next = scene.shown(amco, 9);
    CHECK(amco.is_dependent().equal(is_dependent));  // Of the logits as they are, not as they were masked.
    auto sum = torch::zeros_like(first.fused);
    for (std::size_t m = 0; m < modalities; ++m) {
      const bool is_masked = is_dependent[static_cast<std::int64_t>(m)].item<bool>();
      CHECK(next.unimodal[m].equal(is_masked ? torch::zeros_like(parts[m]) : parts[m]));
      sum += next.unimodal[m];
    }
    CHECK(torch::allclose(next.fused, sum));
    // In the first epoch nothing is masked, in the second the first half of the classes, drawn anew each time.
    CHECK(torch::allclose(scene.shown(amco, 0).fused, first.fused));
    torch::manual_seed(2);
    auto times_masked = torch::zeros({num_classes});
    for (int i = 0; i < 60; ++i) {
      const auto part = scene.shown(amco, 1).unimodal[static_cast<std::size_t>(is_dependent.to(torch::kLong).argmax().item<std::int64_t>())];
      const auto is_zero = part.eq(0).all(0);
      CHECK(is_zero.sum().item<std::int64_t>() == 1);
      times_masked += is_zero;
    }
    CHECK(times_masked.min().item<double>() > 8);
  }
}

TEST_CASE("method::Amco: who lacks a modality does not count for its share", "[method]") {
  const g2d::PerModality<at::Tensor> parts{torch::tensor({{3.0}, {0.0}, {0.0}}).log(), torch::tensor({{1.0}, {1.0}, {1.0}}).log()};
  const auto present = torch::tensor({{true, true}, {false, true}, {true, false}});
  CHECK(torch::allclose(method::amco_shares(parts, present), torch::tensor({(0.75 + 0.0) / 2, (0.25 + 1.0) / 2})));
  Scene scene(2);
  {
    const at::NoGradGuard no_grad;
    scene.student->parameters().at(4).mul_(10.0);  // The head's weight: samples differ in whom they lean on.
  }
  const auto all_parts = scene.view.split_logits(scene.outputs().encoded);
  const auto of_all = method::amco_shares(all_parts, {}).gt(0.5);
  method::Amco<Classification> amco;
  amco.begin(scene.setup());
  int num_different = 0;
  for (std::int64_t row = 0; row < num_samples; ++row) {
    auto given = scene.outputs();
    scene.batch.present = torch::arange(num_samples).eq(row).unsqueeze(1).expand({num_samples, 2});
    amco.forward(scene.context(), given);
    scene.batch.present.reset();
    const g2d::PerModality<at::Tensor> own{all_parts[0].narrow(0, row, 1), all_parts[1].narrow(0, row, 1)};
    CHECK(amco.is_dependent().equal(method::amco_shares(own, {}).gt(0.5)));
    num_different += amco.is_dependent().equal(of_all) ? 0 : 1;
  }
  CHECK(num_different > 0);
}

TEST_CASE("method::Amco: the loss is that of the masked sum and of each masked part", "[method]") {
  const Scene scene(2);
  method::Amco<Classification> amco;
  amco.begin(scene.setup());
  (void)scene.shown(amco, 9);
  const auto outputs = scene.shown(amco, 9);
  const auto terms = scene.terms(amco, outputs);
  REQUIRE(terms.size() == 3);
  const auto nll = [&](const at::Tensor& z) {
    return -z.log_softmax(1).gather(1, scene.batch.target.unsqueeze(1)).mean().item<double>();
  };
  CHECK(terms[0].value.item<double>() == Approx(nll(outputs.unimodal[0] + outputs.unimodal[1])));
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK(terms[m + 1].modality == m);
    CHECK(terms[m + 1].weight == 1.0);
    CHECK(terms[m + 1].value.item<double>() == Approx(nll(outputs.unimodal[m])));
  }
  // A modality that is masked entirely learns nothing.
  method::total(terms).backward();
  for (std::size_t m = 0; m < 2; ++m) {
    double norm = 0.0;
    for (const auto& parameter : scene.student->encoder(m).module()->parameters()) norm += parameter.grad().norm().item<double>();
    CHECK((norm == 0.0) == amco.is_dependent()[static_cast<std::int64_t>(m)].item<bool>());
  }
}

TEST_CASE("method::Amco and GradientBlending: a sample without a modality gives its own loss no gradient", "[method]") {
  Scene scene(2);
  scene.batch.present = some_absent(num_samples);
  const auto check = [&](auto& policy) {
    auto outputs = scene.outputs();
    for (auto& part : outputs.unimodal) part = part.detach().requires_grad_();
    for (const auto& term : scene.terms(policy, outputs)) {
      if (!term.modality) continue;
      term.value.backward();
      const auto column = static_cast<std::int64_t>(*term.modality);
      CHECK(outputs.unimodal[*term.modality].grad().abs().sum(1).gt(0).equal(scene.batch.present.select(1, column)));
    }
  };
  method::Amco<Classification> amco;
  amco.begin(scene.setup());
  check(amco);
  method::GradientBlending<Classification> blending;
  blending.begin(scene.setup());
  check(blending);
}

TEST_CASE("method::Amco: refuses fusions without parts, and options out of range", "[method]") {
  using Amco = method::Amco<Classification>;
  CHECK(thrown<g2d::ConfigError>([] {
          const Scene scene(2, "gated");
          Amco().begin(scene.setup());
        }) ==
        "g2d: method::Amco: expected a fusion whose output is a sum of one part for each modality, for it masks the part of one; use "
        "Late, Sum or Concat");
  CHECK(thrown<g2d::ConfigError>([] { Amco({.ramp = 0.0}); }) == "g2d: method::Amco: expected ramp in (0, 1], got 0");
  CHECK(thrown<g2d::ConfigError>([] { Amco({.margin = -0.1}); }) == "g2d: method::Amco: expected margin >= 0, got -0.1");
  CHECK(thrown<g2d::ConfigError>([] { Amco().begin({names(2), {2, 3}, 3, 1}); }) ==
        "g2d: method::Amco: expected Setup::student, got none; Step and Trainer give it");
}

// --- modality valuation ---

TEST_CASE("method::Valuation: of two modalities a sample's values are the five of the paper's table", "[method]") {
  const Scene scene(2);
  const auto table = table_of(scene);
  const auto values = method::valuation_values(scene.view, table);
  const auto is_right = [&](bool first, bool second) {
    const g2d::PerModality<at::Tensor> features{table.features[0] * double(first), table.features[1] * double(second)};
    return scene.view.fuse(features).logits.argmax(1).eq(table.target).to(torch::kDouble);
  };
  const auto both = is_right(true, true) * 2, audio = is_right(true, false), image = is_right(false, true);
  CHECK(values.equal(torch::stack({(audio + both - image) / 2, (image + both - audio) / 2}, 1)));
}

TEST_CASE("method::Valuation: values add up to the modalities of a sample where it is right", "[method]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    Scene scene(modalities);
    scene.batch.present = torch::ones({num_samples, static_cast<std::int64_t>(modalities)}, torch::kBool);
    scene.batch.present.select(1, 0).narrow(0, 0, 5).fill_(false);
    const auto values = method::valuation_values(scene.view, table_of(scene));
    const auto is_right = scene.student->fuse(table_of(scene).features).logits.argmax(1).eq(scene.batch.target);
    CHECK(torch::allclose(values.sum(1), scene.batch.present.sum(1).mul(is_right).to(torch::kDouble)));
    CHECK(values.select(1, 0).narrow(0, 0, 5).abs().max().item<double>() < 1e-12);  // What it lacks contributes nothing.
  }
}

TEST_CASE("method::Valuation: after the warm-up an epoch shows weak modalities of samples again, alone", "[method]") {
  Scene scene(2);
  scene.batch.present = torch::ones({num_samples, 2}, torch::kBool);
  scene.batch.present.select(1, 1).narrow(0, 3, 2).fill_(false);
  Prescribed run(scene.view);
  run.train = table_of(scene);
  method::Valuation<Classification> valuation;
  valuation.begin(scene.setup());
  run.coming = 4;
  valuation.prepare(run);
  CHECK_FALSE(planned(valuation, 4).samples.has_value());
  run.coming = 5;
  valuation.prepare(run);
  const auto plan = planned(valuation, 5);
  REQUIRE(plan.samples.has_value());
  const auto& view = *plan.samples;
  const auto copies = method::valuation_copies(valuation.values()).mul(scene.batch.present);
  REQUIRE(copies.sum().item<std::int64_t>() > 0);
  CHECK(view.rows.narrow(0, 0, num_samples).equal(torch::arange(num_samples)));
  CHECK(view.keep.narrow(0, 0, num_samples).all().item<bool>());
  CHECK(view.rows.size(0) == num_samples + copies.sum().item<std::int64_t>());
  for (std::int64_t m = 0; m < 2; ++m) {
    CHECK(at::bincount(view.rows.masked_select(is_alone(view, m)), {}, num_samples).equal(copies.select(1, m)));
  }
  CHECK(copies.select(1, 1).narrow(0, 3, 2).sum().item<std::int64_t>() == 0);
}

TEST_CASE("method::Valuation: an epoch may keep its length", "[method]") {
  const Scene scene(3);
  Prescribed run(scene.view);
  run.train = table_of(scene);
  run.coming = 5;
  const auto entries = [&](std::uint64_t seed) {
    method::Valuation<Classification> valuation({.keeps_epoch_length = true, .seed = seed});
    valuation.begin(scene.setup());
    valuation.prepare(run);
    const auto plan = planned(valuation, 5, 3);
    CHECK(plan.samples->rows.size(0) == num_samples);
    CHECK(plan.samples->keep.size(0) == num_samples);
    CHECK(plan.samples->keep.any(1).all().item<bool>());
    return plan.samples->rows;
  };
  CHECK(entries(1).equal(entries(1)));
  CHECK_FALSE(entries(1).equal(entries(2)));
}

TEST_CASE("method::Valuation: the modality level shows the weak modality on samples drawn at random", "[method]") {
  for (const bool has_all : {true, false}) {
    Scene scene(2);
    // The first modality says everything, the second one nothing: its part of the head is zero.
    const at::NoGradGuard no_grad;
    const auto head = scene.student->parameters().at(4);
    head.narrow(1, 0, 2).mul_(30.0);
    head.narrow(1, 2, 3).zero_();
    if (!has_all) scene.batch.present = some_absent(num_samples);
    Prescribed run(scene.view);
    run.train = table_of(scene);
    run.coming = 5;
    // A student that is right with its first modality, and wrong without.
    run.train.target = scene.student->fuse(run.train.features).logits.argmax(1);
    method::Valuation<Classification> valuation({.level = method::ValuationLevel::Modality, .valued_share = 0.5});
    valuation.begin(scene.setup());
    valuation.prepare(run);
    CHECK(run.asked == std::vector<std::int64_t>{6});
    CHECK(valuation.values().size(0) == 6);
    const auto plan = planned(valuation, 5);
    const auto& view = *plan.samples;
    Doubles means;
    for (std::int64_t m = 0; m < 2; ++m) {
      auto own = valuation.values().select(1, m);
      if (!has_all) own = own.masked_select(scene.batch.present.narrow(0, 0, 6).select(1, m));
      means.push_back(own.mean().item<double>());
    }
    REQUIRE(means[0] > means[1]);
    const auto expected = static_cast<std::int64_t>(2.0 / 3.0 * (means[0] - means[1]) * 12.0);
    CHECK(view.rows.size(0) == num_samples + expected);
    CHECK(is_alone(view, 1).sum().item<std::int64_t>() == expected);
    CHECK(is_alone(view, 0).sum().item<std::int64_t>() == 0);
    if (!has_all) {
      const auto drawn = view.rows.masked_select(is_alone(view, 1));
      CHECK(scene.batch.present.select(1, 1).index_select(0, drawn).all().item<bool>());
    }
  }
}

TEST_CASE("method::Valuation: of three modalities those below the others' mean are shown again", "[method]") {
  const g2d::PerModality<double> means{0.9, 0.3, 0.6};
  const auto shares = method::valuation_shares(means, 1.5);
  CHECK(shares[0] == 0.0);
  CHECK(shares[1] == Approx(0.45));
  CHECK(shares[2] == Approx(0.0).margin(1e-12));
}

TEST_CASE("method::Valuation: refuses one modality, too many, and options out of range", "[method]") {
  using Valuation = method::Valuation<Classification>;
  CHECK_THAT(thrown<g2d::ConfigError>([] { Valuation().begin({names(1), {2}, 3, 1}); }),
             Catch::Matchers::StartsWith("g2d: method::Valuation: expected at least 2 modalities, got only \"audio\""));
  CHECK(thrown<g2d::ConfigError>([] {
          std::vector<std::string> many;
          for (char letter = 'a'; letter <= 'q'; ++letter) many.emplace_back(1, letter);
          Valuation().begin({g2d::ModalityNames(many), {}, 3, 1});
        }) ==
        "g2d: method::Valuation: expected at most 16 modalities, got 17; each one doubles the number of subsets to value");
  CHECK(thrown<g2d::ConfigError>([] { Valuation({.strength = -1.0}); }) ==
        "g2d: method::Valuation: expected strength >= 0, got -1");
  CHECK(thrown<g2d::ConfigError>([] { Valuation({.valued_share = 0.0}); }) ==
        "g2d: method::Valuation: expected valued_share in (0, 1], got 0");
}

// --- re-learning ---

namespace {

/// Labels told apart perfectly by the first modality's training features, and not at all on validation; the second one's are
/// the same in both.
void diagnose(Prescribed& run) {
  const auto labels = torch::arange(30).remainder(num_classes);
  const auto pure = labels.to(torch::kDouble).unsqueeze(1).mul(torch::tensor({{1.0, 2.0}}));
  const auto same = Random(5).normal({30, 3});
  run.train = {{pure, same}, labels, torch::arange(30), {}};
  run.held_out = {{torch::arange(30, torch::kDouble).div(10).floor().unsqueeze(1).expand({30, 2}), same}, labels, torch::arange(30), {}};
}

}  // namespace

TEST_CASE("method::Relearning: an encoder goes back by tanh of its purity gap, and one without a gap stays", "[method]") {
  for (const double strength : {3.0, 1e9, 0.0}) {
    const Scene scene(2);
    method::Relearning<Classification> relearning({.strength = strength, .period = 2});
    relearning.begin(scene.setup());
    std::vector<at::Tensor> initial, moved;
    {
      const at::NoGradGuard no_grad;
      for (const auto& parameter : scene.student->parameters()) {
        initial.push_back(parameter.detach().clone());
        parameter.add_(Random(9, torch::kFloat).normal(parameter.sizes()));
        moved.push_back(parameter.detach().clone());
      }
    }
    Prescribed run(scene.view);
    diagnose(run);
    run.coming = 2;
    relearning.prepare(run);
    // Each of the three validation clusters holds the three classes alike, 4 of 10 at best: gap 1 - 0.4.
    const double weight = std::tanh(strength * (1.0 - 0.4));
    REQUIRE(relearning.weights().size() == 2);
    CHECK(relearning.weights()[0] == Approx(weight));
    CHECK(relearning.weights()[1] == 0.0);
    const auto now = scene.student->parameters();
    const auto own = scene.student->encoder(0).module()->parameters().size();
    for (std::size_t i = 0; i < now.size(); ++i) {
      if (i >= own) {
        CHECK(now[i].equal(moved[i]));  // The other encoder and the head.
      } else if (weight == 1.0) {
        CHECK(now[i].equal(initial[i]));
      } else {
        CHECK(torch::allclose(now[i], initial[i] * weight + moved[i] * (1.0 - weight)));
      }
    }
  }
}

TEST_CASE("method::Relearning: comes every few epochs, so many times, and may reset the optimizer then", "[method]") {
  const Scene scene(2);
  Prescribed run(scene.view);
  diagnose(run);
  for (const bool resets : {false, true}) {
    method::Relearning<Classification> relearning({.period = 3, .times = 2, .resets_optimizer = resets});
    relearning.begin(scene.setup());
    std::vector<std::int64_t> done, reset;
    for (run.coming = 0; run.coming < 12; ++run.coming) {
      const auto before = relearning.num_done();
      relearning.prepare(run);
      if (relearning.num_done() != before) done.push_back(run.coming);
      if (planned(relearning, run.coming).resets_optimizer) reset.push_back(run.coming);
    }
    CHECK(done == std::vector<std::int64_t>{3, 6});
    CHECK(reset == (resets ? done : std::vector<std::int64_t>()));
  }
}

TEST_CASE("method::Relearning: a sample counts for the modalities that it has", "[method]") {
  const Scene scene(2);
  Prescribed run(scene.view);
  diagnose(run);
  // Of the validation samples only one of each class has the first modality: pure.
  run.held_out.features[0] = run.train.features[0];
  run.held_out.target = torch::where(torch::arange(30) < 3, run.held_out.target, torch::zeros({}, torch::kLong));
  run.held_out.present = torch::stack({torch::arange(30) < 3, torch::zeros({30}, torch::kBool)}, 1);
  run.coming = 20;
  method::Relearning<Classification> relearning;
  relearning.begin(scene.setup());
  relearning.prepare(run);
  CHECK(relearning.weights() == g2d::PerModality<double>{0.0, 0.0});
}

TEST_CASE("method::Relearning: purity takes fewer samples than classes, and features without any spread", "[method]") {
  CHECK(method::cluster_purity(Random(1).normal({2, 3}), torch::tensor({0, 1}), 5, {}) == 1.0);
  CHECK(method::cluster_purity(torch::ones({4, 2}), torch::tensor({0, 0, 0, 1}), 2, {}) == 0.75);
}

TEST_CASE("method::Relearning: refuses a shared encoder and options out of range", "[method]") {
  using Relearning = method::Relearning<Classification>;
  CHECK(thrown<g2d::ConfigError>([] {
          const auto shared = linear_tanh(input_width, 3);
          const auto student = make_student({shared, shared}, num_classes);
          AnyStep(*student, on_supervised(Relearning()));
        }) ==
        "g2d: method::Relearning: expected an encoder for each modality, got one that \"audio\" and \"image\" share; give each its "
        "own");
  CHECK(thrown<g2d::ConfigError>([] { Relearning({.strength = -1.0}); }) ==
        "g2d: method::Relearning: expected strength >= 0, got -1");
  CHECK(thrown<g2d::ConfigError>([] { Relearning({.period = 0}); }) == "g2d: method::Relearning: expected period >= 1, got 0");
  CHECK(thrown<g2d::ConfigError>([] { Relearning({.times = -1}); }) == "g2d: method::Relearning: expected times >= 0, got -1");
}

// --- G-Blend ---

namespace {

method::SplitLosses losses(double audio, double image, double fused) { return {fused, {audio, image}}; }

}  // namespace

TEST_CASE("method::GradientBlending: in a trial one stream learns alone, and the weights are of its losses", "[method]") {
  const Scene scene(2, "concat", "own-heads");
  method::GradientBlending<Classification> blending({.super_epoch = 4});
  blending.begin(scene.setup());
  const auto outputs = scene.outputs();
  const auto own_loss = [&](const at::Tensor& logits) { return Classification().loss(logits, scene.batch.target).item<double>(); };
  std::size_t trials = 0;
  Prescribed run(scene.view);
  run.on_trial = [&](std::int64_t num_epochs) {
    CHECK(num_epochs == 4);
    const auto terms = scene.terms(blending, outputs);
    REQUIRE(terms.size() == 1);
    CHECK(terms[0].weight == 1.0);
    const auto stream = trials++;
    CHECK(terms[0].value.item<double>() == Approx(own_loss(stream < 2 ? outputs.unimodal[stream] : outputs.fused)));
    // G = .2, .1, .3; O = .1, .2, .3 by stream, each on its own losses alone.
    method::TrialResult result{losses(0.95, 0.95, 0.95), losses(1, 1, 1), losses(9, 9, 9), losses(9, 9, 9)};
    const std::array<double, 3> after{0.8, 0.9, 0.7}, train{0.65, 0.65, 0.35};
    if (stream < 2) {
      result.validation_after.unimodal[stream] = after[stream];
      result.train_after.unimodal[stream] = train[stream];
    } else {
      result.validation_after.fused = after[2];
      result.train_after.fused = train[2];
    }
    return result;
  };
  blending.prepare(run);
  CHECK(trials == 3);
  const Doubles ratios{0.2 / 0.01, 0.1 / 0.04, 0.3 / 0.09};
  const double sum = ratios[0] + ratios[1] + ratios[2];
  REQUIRE(blending.weights().size() == 3);
  for (std::size_t k = 0; k < 3; ++k) CHECK(blending.weights()[k] == Approx(ratios[k] / sum));

  const auto terms = scene.terms(blending, outputs);
  REQUIRE(terms.size() == 3);
  CHECK(method::total(terms).item<double>() ==
        Approx((ratios[2] * own_loss(outputs.fused) + ratios[0] * own_loss(outputs.unimodal[0]) +
                ratios[1] * own_loss(outputs.unimodal[1])) / sum));
}

TEST_CASE("method::GradientBlending: a trial leaves frozen who is frozen, and is over after an error", "[method]") {
  const Scene scene(2, "concat", "own-heads");
  method::GradientBlending<Classification> blending;
  blending.begin(scene.setup());
  Prescribed run(scene.view);
  run.on_trial = [&](std::int64_t) -> method::TrialResult {
    method::Controls controls(2);
    controls[0].frozen = true;
    blending.control_batch(scene.context(), controls);
    CHECK(controls[0].frozen);
    CHECK_FALSE(controls[0].skipped);  // the stream on trial is the first
    CHECK(controls[1].skipped);
    throw std::runtime_error("the disk broke");
  };
  CHECK(thrown<std::runtime_error>([&] { blending.prepare(run); }) == "the disk broke");
  CHECK(scene.terms(blending, scene.outputs()).size() == 3);
}

TEST_CASE("method::GradientBlending: weighs before every super-epoch, or once by trials of the whole run", "[method]") {
  const Scene scene(2);
  Prescribed run(scene.view);
  const auto when = [&](method::GradientBlendingOptions options, std::int64_t first) {
    method::GradientBlending<Classification> blending(options);
    blending.begin(scene.setup());
    std::map<std::int64_t, std::vector<std::int64_t>> trials;
    run.on_trial = [&](std::int64_t num_epochs) {
      trials[run.coming].push_back(num_epochs);
      return method::TrialResult{losses(1, 1, 1), losses(1, 1, 1), losses(1, 1, 1), losses(1, 1, 1)};
    };
    for (run.coming = first; run.coming < 12; ++run.coming) blending.prepare(run);
    CHECK(blending.weights()[2] == Approx(1.0 / 3.0));
    return trials;
  };
  using Trials = std::map<std::int64_t, std::vector<std::int64_t>>;
  CHECK(when({.super_epoch = 5}, 0) == Trials{{0, {5, 5, 5}}, {5, {5, 5, 5}}, {10, {5, 5, 5}}});
  CHECK(when({.super_epoch = 5}, 3) == Trials{{3, {5, 5, 5}}, {8, {5, 5, 5}}});
  CHECK(when({.blending = method::Blending::Offline}, 0) == Trials{{0, {40, 40, 40}}});
}

TEST_CASE("method::GradientBlending: losses that fall, rise or are no numbers keep the weights finite", "[method]") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const g2d::PerModality<double> gains{0.5, -3.0, nan, 0.1}, overfittings{0.0, 0.1, nan, std::numeric_limits<double>::infinity()};
  const auto weights = method::blending_weights(gains, overfittings, {});
  double sum = 0.0;
  for (const double weight : weights) {
    CHECK(std::isfinite(weight));
    CHECK(weight >= 0.0);
    sum += weight;
  }
  CHECK(sum == Approx(1.0));
  CHECK(weights[0] > 0.999);
  CHECK(weights[3] == 0.0);
  using Blending = method::GradientBlending<Classification>;
  CHECK(thrown<g2d::ConfigError>([] { Blending({.super_epoch = 0}); }) ==
        "g2d: method::GradientBlending: expected super_epoch >= 1, got 0");
  CHECK(thrown<g2d::ConfigError>([] { Blending({.gain_floor = 0.0}); }) ==
        "g2d: method::GradientBlending: expected gain_floor and overfitting_floor > 0, got 0 and 1e-08");
}

// --- in a run ---

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
  const auto joint_weights = trained(joint());
  CHECK(trained(on_supervised(method::Window(method::Opm<Classification>(), {.first = 9}))) == joint_weights);
  CHECK(trained(on_supervised(method::Window(method::Valuation<Classification>(), {.first = 9}))) == joint_weights);
  CHECK(trained(on_supervised(method::Window(method::Relearning<Classification>({.period = 1}), {.first = 9}))) == joint_weights);
}

TEST_CASE("Trainer: valuation lengthens epochs, and blending is charged for its trials", "[method]") {
  std::vector<g2d::EpochReport> plain, valued, same_length, blended;
  (void)trained(joint(), &plain);
  (void)trained(on_supervised(method::Valuation<Classification>({.warm_up_epochs = 1})), &valued);
  (void)trained(on_supervised(method::Valuation<Classification>({.warm_up_epochs = 1, .keeps_epoch_length = true})), &same_length);
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
