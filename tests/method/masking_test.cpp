// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods that hide features or outputs in a step: OPM, AMCo.

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/method/amco.hpp>
#include <g2d/method/gradient_blending.hpp>
#include <g2d/method/opm.hpp>
#include <g2d/task/regression.hpp>

#include "method/scene.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using g2d::task::Regression;

}  // namespace

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
  for (std::int64_t step = 0; step < 400; ++step)
    num_dropping += scene.shown(opm, 6, step).fused.equal(scene.outputs().fused) ? 0 : 1;
  CHECK(num_dropping == Approx(280).margin(40));
  const Scene alone(1);
  method::Opm<Regression> values({.batch_share = 1.0, .warm_up_epochs = 0});
  auto outputs = alone.outputs();
  g2d::Batch batch = alone.batch;
  batch.target = torch::zeros({num_samples, num_classes});
  values.forward({0, 0, batch, nullptr, 0, &alone.view}, outputs);
  CHECK(torch::allclose(outputs.fused, alone.outputs().fused));
}

TEST_CASE("method::Opm: keeps a complete sample's weakest modality, and all of a sample that would lose all",
          "[method]") {
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
    const auto probability =
        outputs.unimodal[static_cast<std::size_t>(m)].softmax(1).gather(1, scene.batch.target.unsqueeze(1));
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

TEST_CASE(
    "method::Opm: of those that the batch has, one is ahead of the mean of the others, and what is not there is not "
    "dropped",
    "[method]") {
  Scene scene(3);
  scene.batch.present = torch::ones({num_samples, 3}, torch::kBool);
  scene.batch.present.select(1, 2).fill_(false);
  const auto outputs = scene.outputs();
  const auto score = [&](std::size_t m) {
    return outputs.unimodal[m].softmax(1).gather(1, scene.batch.target.unsqueeze(1)).mean();
  };
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
  CHECK(thrown<g2d::ConfigError>([] { Opm({.base_rate = 1.0}); }) ==
        "g2d: method::Opm: expected base_rate in [0, 1), got 1");
  CHECK(thrown<g2d::ConfigError>([] { Opm({.sensitivity = -1.0}); }) ==
        "g2d: method::Opm: expected sensitivity >= 0, got -1");
  CHECK(thrown<g2d::ConfigError>([] { Opm({.batch_share = 2.0}); }) ==
        "g2d: method::Opm: expected batch_share in [0, 1], got 2");
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
      const auto part =
          scene.shown(amco, 1)
              .unimodal[static_cast<std::size_t>(is_dependent.to(torch::kLong).argmax().item<std::int64_t>())];
      const auto is_zero = part.eq(0).all(0);
      CHECK(is_zero.sum().item<std::int64_t>() == 1);
      times_masked += is_zero;
    }
    CHECK(times_masked.min().item<double>() > 8);
  }
}

TEST_CASE("method::Amco: who lacks a modality does not count for its share", "[method]") {
  const g2d::PerModality<at::Tensor> parts{torch::tensor({{3.0}, {0.0}, {0.0}}).log(),
                                           torch::tensor({{1.0}, {1.0}, {1.0}}).log()};
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

TEST_CASE("method::Amco: a batch that gives no numbers leaves who is leant on as it was", "[method]") {
  const Scene scene(2);
  method::Amco<Classification> amco;
  amco.begin(scene.setup());
  (void)scene.shown(amco, 0);
  const auto is_dependent = amco.is_dependent().clone();
  REQUIRE(is_dependent.any().item<bool>());
  auto diverged = scene.outputs();
  diverged.encoded[0] = torch::full_like(diverged.encoded[0], std::nan(""));
  amco.forward(scene.context(), diverged);
  CHECK(amco.is_dependent().equal(is_dependent));
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
    for (const auto& parameter : scene.student->encoder(m).module()->parameters())
      norm += parameter.grad().norm().item<double>();
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
        "g2d: method::Amco: expected a fusion whose output is a sum of one part for each modality, for it masks the "
        "part of one; use "
        "Late, Sum or Concat");
  CHECK(thrown<g2d::ConfigError>([] { Amco({.ramp = 0.0}); }) == "g2d: method::Amco: expected ramp in (0, 1], got 0");
  CHECK(thrown<g2d::ConfigError>([] { Amco({.margin = -0.1}); }) ==
        "g2d: method::Amco: expected margin >= 0, got -0.1");
  CHECK(thrown<g2d::ConfigError>([] { Amco().begin({names(2), {2, 3}, 3, 1}); }) ==
        "g2d: method::Amco: expected Setup::student, got none; Step and Trainer give it");
}
