// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Properties and gradients of every formula and connector in support/policy_lists.hpp, and the formulas' weights.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>
#include <g2d/distillation/any.hpp>
#include <g2d/distillation/weight.hpp>

#include "support/check_report.hpp"
#include "support/fusion_cases.hpp"
#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "unit/policy_case.hpp"

namespace {

using namespace g2d_test;
using g2d::check::compare;

}  // namespace

TEST_CASE("distillation: gradients agree with finite differences", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    Random random(6);
    const auto student = random.normal({4, 5}).requires_grad_();
    const auto teacher = random.normal({4, 5});
    CHECK_REPORT(g2d::check::gradient([&] { return formula(student, teacher); }, {student}));
    CHECK_REPORT(g2d::check::gradient([&] { return formula.per_sample(student, teacher).square().sum(); }, {student}));
  });
}

TEST_CASE("distillation: the loss of a batch is the mean of its samples' losses", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    Random random(7);
    const auto student = random.normal({6, 5});
    const auto teacher = random.normal({6, 5});
    const auto samples = formula.per_sample(student, teacher);
    CHECK(samples.sizes() == at::IntArrayRef{6});
    CHECK_REPORT(compare(samples.mean(), formula(student, teacher), "mean", rounding));
    CHECK(samples.min().template item<double>() >= 0.0);
  });
}

TEST_CASE("distillation: is zero, with a zero gradient, where the student equals the teacher", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    Random random(8);
    const auto teacher = random.normal({4, 5});
    const auto student = teacher.clone().requires_grad_();
    const auto loss = formula(student, teacher);
    CHECK(std::abs(value(loss)) < rounding);
    const auto gradient = g2d::check::detail::gradients(loss, {student})[0];
    CHECK(gradient.abs().max().template item<double>() < rounding);
  });
}

TEST_CASE("distillation: extreme numbers stay finite", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    const auto student = torch::tensor({{3e3, -3e3, 0.0}, {0.0, 0.0, 0.0}}, torch::kDouble).requires_grad_();
    const auto teacher = torch::tensor({{-3e3, 3e3, 1.0}, {3e3, 0.0, -3e3}}, torch::kDouble);
    const auto loss = formula(student, teacher);
    CHECK(std::isfinite(value(loss)));
    CHECK(torch::isfinite(g2d::check::detail::gradients(loss, {student})[0]).all().template item<bool>());
  });
}

TEST_CASE("distillation::Kl: with one temperature several teachers act as their weighted mean", "[distillation][kl]") {
  Random random(9);
  const double temperature = 2.5;
  const distillation::Kl kl({.temperature = temperature});
  const auto student = random.normal({4, 6}).requires_grad_();
  const std::vector<double> weights{0.3, 1.2, 0.7};
  const auto teachers = random.matrices(4, {6, 6, 6});

  at::Tensor sum = torch::zeros({}, torch::kDouble);
  at::Tensor mean = torch::zeros({4, 6}, torch::kDouble);
  for (std::size_t m = 0; m < 3; ++m) {
    sum = sum + weights[m] * kl(student, teachers[m]);
    mean = mean + weights[m] / 2.2 * torch::softmax(teachers[m] / temperature, 1);
  }
  const auto to_mean = 2.2 * kl(student, mean.log() * temperature);
  using g2d::check::detail::gradients;
  CHECK_REPORT(compare(gradients(sum, {student})[0], gradients(to_mean, {student})[0], "gradient", rounding));

  const auto other = random.normal({4, 6});
  at::Tensor other_sum = torch::zeros({}, torch::kDouble);
  for (std::size_t m = 0; m < 3; ++m) other_sum = other_sum + weights[m] * kl(other, teachers[m]);
  CHECK_REPORT(compare(other_sum - 2.2 * kl(other, mean.log() * temperature), sum - to_mean, "the constant", 1e-10));
}

TEST_CASE("distillation::Kl: hot, it compares centred logits; cold, it asks for the teacher's choice",
          "[distillation][kl]") {
  Random random(10);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});

  const auto difference = student - teacher;
  const auto centred = difference - difference.mean(1, true);
  const auto hot_limit = value(centred.square().sum(1).mean()) / (2.0 * 6.0);
  CHECK(value(distillation::Kl({.temperature = 1e3})(student, teacher)) == Approx(hot_limit).epsilon(1e-2));

  const double cold = 1e-3;
  const auto margin = std::get<0>(student.max(1)) - student.gather(1, teacher.argmax(1, true)).squeeze(1);
  CHECK(value(distillation::Kl({.temperature = cold})(student, teacher)) / cold ==
        Approx(value(margin.mean())).epsilon(1e-2));
}

TEST_CASE("distillation::Kl: only differences of logits count", "[distillation][kl]") {
  Random random(11);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const distillation::Kl kl;
  CHECK_REPORT(compare(kl(student + 3.0, teacher - 2.0), kl(student, teacher), "shifted", rounding));
}

TEST_CASE("distillation::BernoulliKl: one label is Kl of two classes", "[distillation][kl]") {
  Random random(12);
  const auto student = random.normal({4, 1});
  const auto teacher = random.normal({4, 1});
  const auto pair = [](const at::Tensor& logit) { return torch::cat({logit, torch::zeros_like(logit)}, 1); };
  for (const double temperature : {1.0, 3.0}) {
    CHECK_REPORT(compare(distillation::BernoulliKl({temperature})(student, teacher),
                         distillation::Kl({temperature})(pair(student), pair(teacher)), "divergence", rounding));
  }
}

TEST_CASE("distillation::Cosine: length does not count, and a zero row costs 1", "[distillation]") {
  Random random(13);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const distillation::Cosine cosine;
  CHECK_REPORT(compare(cosine(7.0 * student, 0.1 * teacher), cosine(student, teacher), "scaled", rounding));
  CHECK(value(cosine(torch::zeros_like(student), teacher)) == 1.0);
  CHECK(value(cosine(-teacher, teacher)) == Approx(2.0));
}

TEST_CASE("distillation::Mse: the paper's squared norm is D times the mean over elements", "[distillation]") {
  Random random(14);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const auto by_hand = value((student - teacher).square().sum(1).mean());
  CHECK(value(distillation::Mse({.squared_norm = true})(student, teacher)) == Approx(by_hand));
  CHECK(value(distillation::Mse()(student, teacher)) == Approx(by_hand / 6.0));
}

TEST_CASE("distillation::None: is known to be off, also when chosen at run time", "[distillation]") {
  CHECK_FALSE(g2d::distillation::is_enabled(distillation::None()));
  CHECK(g2d::distillation::is_enabled(distillation::Mse()));
  CHECK_FALSE(g2d::distillation::is_enabled(distillation::make("none")));
  CHECK(g2d::distillation::is_enabled(distillation::make("mse")));
}

TEST_CASE("distillation::Any: is the formula that it holds", "[distillation]") {
  Random random(15);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const g2d::distillation::KlOptions warm{.temperature = 2.0};
  CHECK(torch::equal(distillation::make("mse")(student, teacher), distillation::Mse()(student, teacher)));
  CHECK(torch::equal(distillation::make("cosine")(student, teacher), distillation::Cosine()(student, teacher)));
  CHECK(torch::equal(distillation::make("kl", warm)(student, teacher), distillation::Kl(warm)(student, teacher)));
  CHECK(torch::equal(distillation::make("bernoulli-kl", warm).per_sample(student, teacher),
                     distillation::BernoulliKl(warm).per_sample(student, teacher)));
  CHECK(value(distillation::make("none")(student, teacher)) == 0.0);
}

TEST_CASE("distillation::Weight: is a number, one for each modality, and changes over the epochs", "[distillation]") {
  using g2d::distillation::Weight;
  CHECK(Weight()(3, 7) == 1.0);
  CHECK(Weight(0.5)(1, 0) == 0.5);
  const Weight each(g2d::PerModality<double>{1.0, 0.25});
  CHECK(each(1, 0) == 0.25);
  const auto fading = each.over_epochs([](std::int64_t epoch) { return epoch < 10 ? 1.0 : 0.0; });
  CHECK(fading(1, 9) == 0.25);
  CHECK(fading(1, 10) == 0.0);
}

TEST_CASE("distillation::connector: gradients agree with finite differences", "[distillation][connector]") {
  const g2d::PerModality<std::int64_t> student_widths{3, 5};
  for_each(Connectors(), [&]<class Connector>(std::type_identity<Connector>) {
    const bool projects = std::is_same_v<Connector, connector::Projection>;
    const g2d::PerModality<std::int64_t> teacher_widths{3, projects ? 4 : 5};
    Connector made;
    made.begin(names(2), student_widths, teacher_widths);
    const auto parameters = made.parameters();
    move(parameters, torch::kDouble);
    CHECK(parameters.size() == (projects ? 2 : 0));
    Random random(16);
    const auto features = random.matrices(4, {3, 5});
    for (std::size_t m = 0; m < 2; ++m) {
      CHECK(made(m, features[m]).sizes() == at::IntArrayRef{4, teacher_widths[m]});
      CHECK_REPORT(
          g2d::check::gradient([&] { return mixed({made(m, features[m])}); }, variables(features, parameters)));
    }
  });
}
