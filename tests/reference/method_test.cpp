// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/distillation/any.hpp>
#include <g2d/reference/finite_difference.hpp>
#include <g2d/reference/method/g2d.hpp>
#include <g2d/reference/method/ogm.hpp>
#include <g2d/reference/task/classification.hpp>

#include <cmath>
#include <vector>

#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

using Method = method::G2d<task::Classification, distillation::Mse, distillation::Kl>;

struct Example {
  fusion::Output student;
  Labels labels;
  teacher::Outputs teachers;
};

Example example(g2d_test::Random& random) {
  return {{random.matrices(4, {2, 3}), random.matrix(4, 3)},
          random.labels(4, 3),
          {random.matrices(4, {2, 3}), random.matrices(4, {3, 3})}};
}

}  // namespace

TEST_CASE("method::G2d: the total is the weighted sum of the terms", "[reference][method]") {
  g2d_test::Random random(41);
  const Example e = example(random);
  const Method g2d{{}, {}, {2.0}, 0.5, 0.25};
  const method::Terms terms = g2d.terms(e.student, e.labels, e.teachers);
  CHECK(terms.task == task::Classification{}.value(e.student.logits, e.labels));
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK(terms.feature[m] == distillation::Mse{}.value(e.student.features[m], e.teachers.features[m]));
    CHECK(terms.logit[m] == distillation::Kl{2.0}.value(e.student.logits, e.teachers.logits[m]));
  }
  CHECK(terms.total ==
        Approx(terms.task + 0.5 * (terms.feature[0] + terms.feature[1]) + 0.25 * (terms.logit[0] + terms.logit[1])));
}

TEST_CASE("method::G2d: its gradient agrees with finite differences", "[reference][method]") {
  g2d_test::Random random(42);
  const Example e = example(random);
  const Method g2d{{}, {}, {2.0}, 0.5, 0.25};
  const fusion::OutputGradient gradient = g2d.gradient(e.student, e.labels, e.teachers);
  const auto total_with = [&](auto change) {
    return [&, change](const Matrix& changed) {
      fusion::Output student = e.student;
      change(student) = changed;
      return g2d.terms(student, e.labels, e.teachers).total;
    };
  };
  const auto logits = [](fusion::Output& output) -> Matrix& { return output.logits; };
  CHECK(gradient_error(total_with(logits), e.student.logits, gradient.logits) < 1e-8);
  for (std::size_t m = 0; m < 2; ++m) {
    const auto features = [m](fusion::Output& output) -> Matrix& { return output.features[m]; };
    CHECK(gradient_error(total_with(features), e.student.features[m], gradient.features[m]) < 1e-8);
  }
}

TEST_CASE("method::G2d: without teachers it is joint training", "[reference][method]") {
  g2d_test::Random random(43);
  const Example e = example(random);
  const Method g2d{};
  const method::Terms terms = g2d.terms(e.student, e.labels, {});
  CHECK(terms.total == terms.task);
  CHECK(terms.feature.empty());
  CHECK(terms.logit.empty());
  CHECK(g2d.gradient(e.student, e.labels, {}).features[1] == Matrix::Zero(4, 3));
}

TEST_CASE("method::G2d: another number of teachers than modalities is refused", "[reference][method]") {
  g2d_test::Random random(44);
  const Example e = example(random);
  const teacher::Outputs one_feature{{e.teachers.features[0]}, {}};
  const teacher::Outputs one_logit{{}, {e.teachers.logits[0]}};
  CHECK_THROWS_AS(Method{}.terms(e.student, e.labels, one_feature), g2d::ShapeError);
  CHECK_THROWS_WITH(Method{}.terms(e.student, e.labels, one_feature),
                    "g2d: reference::method::G2d: expected 2 teachers' features, got 1");
  CHECK_THROWS_WITH(Method{}.gradient(e.student, e.labels, one_logit),
                    "g2d: reference::method::G2d: expected 2 teachers' logits, got 1");
}

TEST_CASE("method: OGM scores sum the student's probabilities of the true class", "[reference][method]") {
  Matrix even = Matrix::Zero(3, 2);
  Matrix sure(3, 2);
  sure << std::log(3.0), 0.0, 0.0, std::log(3.0), std::log(3.0), 0.0;
  const std::vector<double> scores = method::ogm_scores({even, sure}, {0, 1, 1});
  CHECK(scores[0] == Approx(1.5));
  CHECK(scores[1] == Approx(0.75 + 0.75 + 0.25));
  CHECK_THROWS_AS(method::ogm_scores({even, sure}, {0, 1, 2}), g2d::DataError);
  CHECK_THROWS_WITH(method::ogm_scores({even, sure}, {0, 1, 2}),
                    "g2d: reference::method::ogm_scores: sample 2: expected a label in [0, 2), got 2");
}

TEST_CASE("method: OGM damps the stronger modality", "[reference][method]") {
  const double damped = 1.0 - std::tanh(0.2);
  CHECK(method::ogm_coefficients({6.0, 3.0}, 0.1)[0] == Approx(damped));
  CHECK(method::ogm_coefficients({6.0, 3.0}, 0.1)[1] == 1.0);
  CHECK(method::ogm_coefficients_of_authors({6.0, 3.0}, 0.1)[0] == Approx(damped));
  CHECK(method::ogm_coefficients_of_authors({6.0, 3.0}, 0.1)[1] == 1.0);
  CHECK(method::ogm_coefficients_of_authors({3.0, 6.0}, 0.1)[0] == 1.0);
  CHECK(method::ogm_coefficients_of_authors({3.0, 6.0}, 0.1)[1] == Approx(damped));
}

TEST_CASE("method: at a tie OGM damps nothing, the authors' code the first modality", "[reference][method]") {
  CHECK(method::ogm_coefficients({4.0, 4.0}, 0.1) == std::vector<double>{1.0, 1.0});
  CHECK(method::ogm_coefficients_of_authors({4.0, 4.0}, 0.1) == std::vector<double>{1.0 - std::tanh(0.1), 1.0});
}

TEST_CASE("method: the authors' OGM knows two modalities only", "[reference][method]") {
  CHECK_THROWS_AS(method::ogm_coefficients_of_authors({1.0, 2.0, 3.0}, 0.1), g2d::ShapeError);
  CHECK_THROWS_WITH(method::ogm_coefficients_of_authors({1.0, 2.0, 3.0}, 0.1),
                    "g2d: reference::method::ogm_coefficients_of_authors: expected 2 scores, got 3");
}
