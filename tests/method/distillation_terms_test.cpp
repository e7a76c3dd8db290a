// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// The logit terms of all teachers, taken in one go: the same values and gradients as one after the other.

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <g2d/distillation/any.hpp>
#include <g2d/distillation/mean_to_each.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/task/classification.hpp>

#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using g2d_test::thrown;
namespace distillation = g2d::distillation;
using Tensors = g2d::PerModality<at::Tensor>;

struct Problem {
  at::Tensor student;
  Tensors teachers;
  Tensors present;
};

Problem make_problem(std::int64_t samples, std::int64_t classes, std::int64_t num_teachers) {
  torch::manual_seed(samples + 10 * classes + num_teachers);
  const auto logits = [&] { return at::randn({samples, classes}, at::kDouble).mul(3.0); };
  Problem problem{logits().requires_grad_(), {}, {}};
  for (std::int64_t m = 0; m < num_teachers; ++m) problem.teachers.push_back(logits());
  return problem;
}

/// Teacher m lacks every sample whose number leaves m when divided by 3, and says NaN of it; the last teacher knows
/// none.
Problem with_absent_samples(Problem problem) {
  const auto count = problem.student.size(0);
  for (std::size_t m = 0; m < problem.teachers.size(); ++m) {
    const auto is_last = m + 1 == problem.teachers.size();
    const auto some = at::arange(count).remainder(3).ne(static_cast<std::int64_t>(m % 3));
    problem.present.push_back(is_last ? at::zeros_like(some) : some);
    problem.teachers[m] = problem.teachers[m].masked_fill(problem.present[m].logical_not().unsqueeze(1), std::nan(""));
  }
  return problem;
}

/// The samples that are there picked out by hand, teacher by teacher.
template <class Formula>
at::Tensor mean_by_hand(const Formula& formula, const Problem& problem, std::size_t m) {
  if (problem.present.empty()) return formula(problem.student, problem.teachers[m]);
  const auto rows = problem.present[m].nonzero().squeeze(1);
  if (rows.numel() == 0) return problem.student.mul(0.0).sum();
  return formula(problem.student.index_select(0, rows), problem.teachers[m].index_select(0, rows));
}

at::Tensor gradient(const at::Tensor& value, const at::Tensor& student) {
  return torch::autograd::grad({value}, {student}, {}, /*retain_graph=*/true)[0];
}

bool equal_to_rounding(const at::Tensor& a, const at::Tensor& b) { return torch::allclose(a, b, 0.0, 1e-12); }

template <class Formula, class Plain>
void check_against_separate_terms(const Formula& formula, const Plain& plain, const Problem& problem) {
  const auto means = distillation::mean_to_each(formula, problem.student, problem.teachers, problem.present);
  REQUIRE(means.size() == problem.teachers.size());
  auto total = at::zeros({}, at::kDouble);
  auto total_by_hand = at::zeros({}, at::kDouble);
  for (std::size_t m = 0; m < means.size(); ++m) {
    CAPTURE(m);
    const auto by_hand = mean_by_hand(plain, problem, m);
    CHECK(means[m].dim() == 0);
    CHECK(equal_to_rounding(means[m], by_hand));
    CHECK(equal_to_rounding(gradient(means[m], problem.student), gradient(by_hand, problem.student)));
    total = total.add(means[m], 0.5 + static_cast<double>(m));
    total_by_hand = total_by_hand.add(by_hand, 0.5 + static_cast<double>(m));
  }
  CHECK(equal_to_rounding(gradient(total, problem.student), gradient(total_by_hand, problem.student)));
}

}  // namespace

TEST_CASE("distillation::Kl: all teachers at once are the teachers one after the other", "[distillation][kl]") {
  for (const double temperature : {1.0, 2.5}) {
    const distillation::Kl kl({.temperature = temperature});
    for (const std::int64_t num_teachers : {1, 2, 5}) {
      CAPTURE(temperature, num_teachers);
      // The last does not fit into one block, nor into a whole number of them.
      for (const auto& [samples, classes] :
           std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 2}, {7, 10}, {11, 30'000}}) {
        CAPTURE(samples, classes);
        const auto problem = make_problem(samples, classes, num_teachers);
        check_against_separate_terms(kl, kl, problem);
        check_against_separate_terms(distillation::Any(kl), kl, problem);
        check_against_separate_terms(kl, kl, with_absent_samples(problem));
        check_against_separate_terms(distillation::Any(kl), kl, with_absent_samples(problem));
      }
    }
  }
}

TEST_CASE("distillation: a formula without a way for several teachers meets them one after the other",
          "[distillation]") {
  static_assert(distillation::ComparesWithEach<distillation::Kl> && distillation::ComparesWithEach<distillation::Any>);
  static_assert(!distillation::ComparesWithEach<distillation::Mse>);
  const auto problem = make_problem(7, 10, 3);
  check_against_separate_terms(distillation::Mse(), distillation::Mse(), problem);
  check_against_separate_terms(distillation::make("cosine"), distillation::Cosine(), problem);
  check_against_separate_terms(distillation::make("mse"), distillation::Mse(), with_absent_samples(problem));
}

TEST_CASE("distillation::Kl: in float32 the sum over many classes stays a sum, not a drift", "[distillation][kl]") {
  const auto problem = make_problem(64, 10'000, 2);
  Tensors teachers;
  for (const auto& teacher : problem.teachers) teachers.push_back(teacher.to(at::kFloat));
  const auto means = distillation::Kl().mean_to_each(problem.student.to(at::kFloat), teachers, {});
  for (std::size_t m = 0; m < teachers.size(); ++m) {
    const double exact = distillation::Kl()(problem.student, problem.teachers[m]).item<double>();
    CHECK(means[m].item<double>() == Approx(exact).epsilon(2e-5));
  }
}

TEST_CASE("distillation::Kl: teachers of another dtype or shape", "[distillation][kl]") {
  auto problem = make_problem(4, 3, 2);
  problem.teachers[1] = problem.teachers[1].to(at::kFloat);
  check_against_separate_terms(
      distillation::Kl(),
      [](const at::Tensor& student, const at::Tensor& teacher) {
        return distillation::Kl()(student, teacher.to(at::kDouble));
      },
      problem);
  problem.teachers[1] = at::zeros({4, 5}, at::kDouble);
  CHECK(thrown<g2d::ShapeError>([&] {
          (void)distillation::Kl().mean_to_each(problem.student, problem.teachers, {});
        }) == "g2d: distillation::Kl: expected the teacher's shape to equal the student's [4, 3], got [4, 5]");
}

TEST_CASE("distillation::Kl: the mean teacher stands for all teachers, value and gradient", "[distillation][kl]") {
  for (const double temperature : {1.0, 2.5}) {
    const distillation::Kl kl({.temperature = temperature});
    CHECK(distillation::mean_temperature(kl) == temperature);
    CHECK(distillation::mean_temperature(distillation::Any(kl)) == temperature);
    for (const std::int64_t num_teachers : {1, 2, 5}) {
      CAPTURE(temperature, num_teachers);
      const auto problem = make_problem(7, 10, num_teachers);
      const auto means = kl.mean_to_each(problem.student, problem.teachers, {});
      auto expected = means[0];
      for (std::size_t m = 1; m < means.size(); ++m) expected = expected.add(means[m]);
      expected = expected.div(num_teachers);
      const auto mean = kl.mean_of(problem.teachers);
      for (const auto& given : {kl.mean_over_teachers(problem.student, mean),
                                distillation::Any(kl).mean_over_teachers(problem.student, mean, {})}) {
        CHECK(equal_to_rounding(given, expected));
        CHECK(equal_to_rounding(gradient(given, problem.student), gradient(expected, problem.student)));
      }
    }
  }
  CHECK_FALSE(distillation::mean_temperature(distillation::Mse()));
  CHECK_FALSE(distillation::mean_temperature(distillation::Any(distillation::Mse())));
}

TEST_CASE("SharedLogSoftmax: is computed once for the same logits, and is what cross-entropy and KL take",
          "[distillation][kl][task]") {
  const auto problem = make_problem(6, 4, 2);
  const auto labels = at::tensor({0, 3, 1, 1, 2, 0}, at::kLong);
  const g2d::SharedLogSoftmax shared;
  const auto values = shared.of(problem.student);
  CHECK(shared.of(problem.student).is_same(values));
  const g2d::task::Classification weighted({.class_weights = at::tensor({1.0, 2.0, 0.5, 3.0})}), plain,
      smooth({.label_smoothing = 0.1});
  for (const auto* task : {&plain, &weighted, &smooth}) {
    const auto given = task->loss(problem.student, labels, shared), alone = task->loss(problem.student, labels);
    CHECK(torch::equal(given, alone));
    CHECK(torch::equal(gradient(given, problem.student), gradient(alone, problem.student)));
  }
  const auto cross_entropy = at::cross_entropy_loss(problem.student, labels);
  CHECK(torch::equal(plain.loss(problem.student, labels, shared), cross_entropy));
  for (const double temperature : {1.0, 2.0}) {
    const distillation::Kl kl({.temperature = temperature});
    const auto given = kl.mean_to_each(problem.student, problem.teachers, {}, shared),
               alone = kl.mean_to_each(problem.student, problem.teachers, {});
    for (std::size_t m = 0; m < 2; ++m) CHECK(torch::equal(given[m], alone[m]));
  }
  CHECK(shared.of(problem.student).is_same(values));
  const auto other = problem.student.detach().add(1.0).mul(2.0);
  CHECK(torch::equal(shared.of(other), at::log_softmax(other, 1)));
}

TEST_CASE("method::Distillation: the logit terms keep their modality, weight and rows", "[method][distillation]") {
  using Method = g2d::method::Distillation<g2d::task::Classification, distillation::None, distillation::Kl>;
  const auto problem = make_problem(6, 4, 3);
  g2d::Batch batch;
  batch.target = at::zeros({6}, at::kLong);
  batch.present = at::ones({6, 3}, at::kBool);
  batch.present[5][2] = false;
  g2d::TeacherOutputs teachers{.features = problem.teachers, .logits = problem.teachers, .confidence = {}};
  teachers.logits[2][5].fill_(std::nan(""));
  g2d::method::Outputs outputs;
  outputs.features = problem.teachers;
  outputs.keep_rows = at::tensor({1, 3, 5}, at::kLong);
  outputs.fused = problem.student.index_select(0, outputs.keep_rows);

  Method method({.logit_weight = g2d::PerModality<double>{0.5, 0.0, 2.0}});
  g2d::method::Terms terms;
  method.loss({.epoch = 0, .step = 0, .batch = batch, .teachers = &teachers, .substep = 0, .student = nullptr}, outputs,
              terms);
  REQUIRE(terms.size() == 2);
  CHECK((terms[0].modality == 0U && terms[0].weight == 0.5 && terms[0].name == "logit"));
  CHECK((terms[1].modality == 2U && terms[1].weight == 2.0 && terms[1].name == "logit"));
  const distillation::Kl kl;
  CHECK(equal_to_rounding(terms[0].value, kl(outputs.fused, teachers.logits[0].index_select(0, outputs.keep_rows))));
  CHECK(equal_to_rounding(terms[1].value, kl(outputs.fused.slice(0, 0, 2),
                                             teachers.logits[2].index_select(0, at::tensor({1, 3}, at::kLong)))));
}
