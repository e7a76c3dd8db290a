// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/distillation/any.hpp>
#include <g2d/reference/finite_difference.hpp>
#include <g2d/reference/softmax.hpp>

#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

const std::vector<std::pair<std::string, distillation::Any>>& distillations() {
  static const std::vector<std::pair<std::string, distillation::Any>> all{
      {"none", {distillation::None{}}},
      {"kl", {distillation::Kl{}}},
      {"kl, tau 3", {distillation::Kl{3.0}}},
      {"bernoulli kl", {distillation::BernoulliKl{}}},
      {"bernoulli kl, tau 0.5", {distillation::BernoulliKl{0.5}}},
      {"mse", {distillation::Mse{}}},
      {"mse, squared norm", {distillation::Mse{.squared_norm = true}}},
      {"cosine", {distillation::Cosine{}}},
  };
  return all;
}

Matrix student() {
  Matrix z(2, 3);
  z << 1.0, 2.0, -1.0, 0.5, -0.25, 3.0;
  return z;
}

Matrix teacher() {
  Matrix z(2, 3);
  z << 0.2, -1.0, 0.7, 1.5, 0.0, -2.0;
  return z;
}

}  // namespace

TEST_CASE("distillation: the gradient of every distillation agrees with finite differences",
          "[reference][distillation]") {
  g2d_test::Random random(21);
  for (const auto& [name, distillation] : distillations()) {
    for (const Eigen::Index batch : {1, 5}) {
      for (const Eigen::Index width : {2, 7}) {
        CAPTURE(name, batch, width);
        const Matrix s = 3.0 * random.matrix(batch, width);
        const Matrix t = 3.0 * random.matrix(batch, width);
        const auto value = [&, &loss = distillation](const Matrix& changed) { return loss.value(changed, t); };
        CHECK(gradient_error(value, s, distillation.gradient(s, t)) < 1e-7);
      }
    }
  }
}

TEST_CASE("distillation: is zero at equality and positive elsewhere", "[reference][distillation]") {
  for (const auto& [name, distillation] : distillations()) {
    CAPTURE(name);
    CHECK(distillation.value(student(), student()) == Approx(0.0).margin(1e-15));
    CHECK(distillation.gradient(student(), student()).cwiseAbs().maxCoeff() < 1e-15);
    if (name != "none") CHECK(distillation.value(student(), teacher()) > 0.1);
  }
}

TEST_CASE("distillation: values agree with PyTorch's", "[reference][distillation]") {
  const auto close = [](double expected) { return Approx(expected).epsilon(1e-14); };
  CHECK(distillation::Kl{}.value(student(), teacher()) == close(1.7750397615329097));
  CHECK(distillation::Kl{2.0}.value(student(), teacher()) == close(2.275881665892748));
  CHECK(distillation::BernoulliKl{}.value(student(), teacher()) == close(1.925883841575069));
  CHECK(distillation::BernoulliKl{2.0}.value(student(), teacher()) == close(2.256579550490648));
  CHECK(distillation::Mse{}.value(student(), teacher()) == close(6.432083333333334));
  CHECK(distillation::Mse{.squared_norm = true}.value(student(), teacher()) == close(3.0 * 6.432083333333334));
  CHECK(distillation::Cosine{}.value(student(), teacher()) == close(1.756638882858278));
}

TEST_CASE("distillation: with one temperature several teachers act as their mean", "[reference][distillation]") {
  g2d_test::Random random(22);
  const distillation::Kl kl{2.0};
  const Matrix s = random.matrix(4, 3);
  const PerModality teachers = random.matrices(4, {3, 3, 3});
  Matrix sum = Matrix::Zero(4, 3);
  Matrix mean_probability = Matrix::Zero(4, 3);
  for (const Matrix& t : teachers) {
    sum += kl.gradient(s, t);
    mean_probability += softmax(t / 2.0) / 3.0;
  }
  const Matrix mean_teacher = 2.0 * mean_probability.array().log();
  CHECK((sum - 3.0 * kl.gradient(s, mean_teacher)).cwiseAbs().maxCoeff() < 1e-14);
}

TEST_CASE("distillation: large logits stay finite", "[reference][distillation]") {
  for (const auto& [name, distillation] : distillations()) {
    CAPTURE(name);
    CHECK(std::isfinite(distillation.value(1e3 * student(), -1e3 * teacher())));
    CHECK(distillation.gradient(1e3 * student(), -1e3 * teacher()).allFinite());
  }
}

TEST_CASE("distillation::Cosine: a zero row counts 1 and is drawn towards the teacher", "[reference][distillation]") {
  const Matrix zero = Matrix::Zero(1, 3);
  const Matrix t = teacher().topRows(1);
  CHECK(distillation::Cosine{}.value(zero, t) == 1.0);
  const Matrix expected = -t / t.norm() / distillation::Cosine::smallest_norm;
  CHECK(distillation::Cosine{}.gradient(zero, t).isApprox(expected, 1e-14));
}

TEST_CASE("distillation: another shape of the teacher and a temperature that is not positive are refused",
          "[reference][distillation]") {
  const Matrix narrow = Matrix::Zero(2, 2);
  CHECK_THROWS_AS(distillation::Kl{}.value(student(), narrow), g2d::ShapeError);
  CHECK_THROWS_WITH(distillation::Kl{}.value(student(), narrow),
                    "g2d: reference::distillation::Kl: teacher: expected [2, 3], got [2, 2]");
  CHECK_THROWS_WITH(distillation::BernoulliKl{}.gradient(student(), narrow),
                    "g2d: reference::distillation::BernoulliKl: teacher: expected [2, 3], got [2, 2]");
  CHECK_THROWS_WITH(distillation::Mse{}.value(student(), narrow),
                    "g2d: reference::distillation::Mse: teacher: expected [2, 3], got [2, 2]");
  CHECK_THROWS_WITH(distillation::Cosine{}.gradient(student(), narrow),
                    "g2d: reference::distillation::Cosine: teacher: expected [2, 3], got [2, 2]");
  CHECK_THROWS_AS(distillation::Kl{0.0}.value(student(), teacher()), g2d::ConfigError);
  CHECK_THROWS_WITH(distillation::Kl{0.0}.value(student(), teacher()),
                    "g2d: reference::distillation::Kl: expected temperature > 0, got 0.000000");
  CHECK_THROWS_WITH(distillation::BernoulliKl{-1.0}.gradient(student(), teacher()),
                    "g2d: reference::distillation::BernoulliKl: expected temperature > 0, got -1.000000");
}
