// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods that look at data between epochs: modality valuation, re-learning, G-Blend.

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <g2d/method/gradient_blending.hpp>
#include <g2d/method/relearning.hpp>
#include <g2d/method/valuation.hpp>

#include "method/scene.hpp"
#include "support/random_case.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;

/// An entry that shows modality m alone.
at::Tensor is_alone(const method::SampleView& view, std::int64_t m) {
  return view.keep.select(1, m).logical_and(view.keep.sum(1).eq(1));
}

}  // namespace

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
    CHECK(values.select(1, 0).narrow(0, 0, 5).abs().max().item<double>() <
          1e-12);  // What it lacks contributes nothing.
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
        "g2d: method::Valuation: expected at most 16 modalities, got 17; each one doubles the number of subsets to "
        "value");
  CHECK(thrown<g2d::ConfigError>([] { Valuation({.strength = -1.0}); }) ==
        "g2d: method::Valuation: expected strength >= 0, got -1");
  CHECK(thrown<g2d::ConfigError>([] { Valuation({.valued_share = 0.0}); }) ==
        "g2d: method::Valuation: expected valued_share in (0, 1], got 0");
}

// --- re-learning ---

namespace {

/// Labels told apart perfectly by the first modality's training features, and not at all on validation; the second
/// one's are the same in both.
void diagnose(Prescribed& run) {
  const auto labels = torch::arange(30).remainder(num_classes);
  const auto pure = labels.to(torch::kDouble).unsqueeze(1).mul(torch::tensor({{1.0, 2.0}}));
  const auto same = Random(5).normal({30, 3});
  run.train = {{pure, same}, labels, torch::arange(30), {}};
  run.held_out = {{torch::arange(30, torch::kDouble).div(10).floor().unsqueeze(1).expand({30, 2}), same},
                  labels,
                  torch::arange(30),
                  {}};
}

}  // namespace

TEST_CASE("method::Relearning: an encoder goes back by tanh of its purity gap, and one without a gap stays",
          "[method]") {
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
        "g2d: method::Relearning: expected an encoder for each modality, got one that \"audio\" and \"image\" share; "
        "give each its "
        "own");
  CHECK(thrown<g2d::ConfigError>([] { Relearning({.strength = -1.0}); }) ==
        "g2d: method::Relearning: expected strength >= 0, got -1");
  CHECK(thrown<g2d::ConfigError>([] { Relearning({.period = 0}); }) ==
        "g2d: method::Relearning: expected period >= 1, got 0");
  CHECK(thrown<g2d::ConfigError>([] { Relearning({.times = -1}); }) ==
        "g2d: method::Relearning: expected times >= 0, got -1");
}

// --- G-Blend ---

namespace {

method::SplitLosses losses(double audio, double image, double fused) { return {fused, {audio, image}}; }

}  // namespace

TEST_CASE("method::GradientBlending: in a trial one stream learns alone, and the weights are of its losses",
          "[method]") {
  const Scene scene(2, "concat", "own-heads");
  method::GradientBlending<Classification> blending({.super_epoch = 4});
  blending.begin(scene.setup());
  const auto outputs = scene.outputs();
  const auto own_loss = [&](const at::Tensor& logits) {
    return Classification().loss(logits, scene.batch.target).item<double>();
  };
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
                ratios[1] * own_loss(outputs.unimodal[1])) /
               sum));
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
  const g2d::PerModality<double> gains{0.5, -3.0, nan, 0.1},
      overfittings{0.0, 0.1, nan, std::numeric_limits<double>::infinity()};
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
  CHECK(weights[2] == 0.0);

  // What the others weigh is what they would without the stream that diverged.
  const g2d::PerModality<double> some{0.05, nan, 0.1}, their_overfittings{0.5, nan, 0.3};
  const auto beside_diverged = method::blending_weights(some, their_overfittings, {});
  const double first = 0.05 / 0.25, third = 0.1 / 0.09;
  CHECK(beside_diverged[0] == Approx(first / (first + third)));
  CHECK(beside_diverged[1] == 0.0);
  CHECK(beside_diverged[2] == Approx(third / (first + third)));
  const g2d::PerModality<double> only_gain{nan, 0.1}, no_overfitting{0.3, 0.3};
  CHECK(method::blending_weights(only_gain, no_overfitting, {})[0] == 0.0);
  const g2d::PerModality<double> none{nan, nan};
  CHECK(method::blending_weights(none, none, {}) == g2d::PerModality<double>{0.5, 0.5});

  using Blending = method::GradientBlending<Classification>;
  CHECK(thrown<g2d::ConfigError>([] { Blending({.super_epoch = 0}); }) ==
        "g2d: method::GradientBlending: expected super_epoch >= 1, got 0");
  CHECK(thrown<g2d::ConfigError>([] { Blending({.gain_floor = 0.0}); }) ==
        "g2d: method::GradientBlending: expected gain_floor and overfitting_floor > 0, got 0 and 1e-08");
}
