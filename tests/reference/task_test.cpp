// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/finite_difference.hpp>
#include <g2d/reference/task/classification.hpp>
#include <g2d/reference/task/multi_label.hpp>
#include <g2d/reference/task/regression.hpp>

#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

Matrix logits() {
  Matrix z(2, 3);
  z << 1.0, 2.0, -1.0, 0.5, -0.25, 3.0;
  return z;
}

Matrix bits() {
  Matrix y(2, 3);
  y << 1.0, 0.0, 1.0, 0.0, 0.0, 1.0;
  return y;
}

template <TaskPolicy Task>
double error_of_gradient(const Task& task, const Matrix& at, const typename Task::Target& target) {
  return gradient_error([&](const Matrix& changed) { return task.value(changed, target); }, at,
                        task.gradient(at, target));
}

}  // namespace

TEST_CASE("task: the gradient of every task agrees with finite differences", "[reference][task]") {
  g2d_test::Random random(31);
  for (const Eigen::Index batch : {1, 6}) {
    for (const Eigen::Index width : {1, 4}) {
      CAPTURE(batch, width);
      const Matrix z = 3.0 * random.matrix(batch, width);
      const Labels labels = random.labels(static_cast<std::size_t>(batch), width);
      std::vector<double> class_weights(static_cast<std::size_t>(width));
      for (double& weight : class_weights) weight = 1.5 + random.number();
      CHECK(error_of_gradient(task::Classification{}, z, labels) < 1e-8);
      CHECK(error_of_gradient(task::Classification{class_weights}, z, labels) < 1e-8);
      CHECK(error_of_gradient(task::Classification{class_weights, 0.2}, z, labels) < 1e-8);
      CHECK(error_of_gradient(task::Regression{}, z, random.matrix(batch, width)) < 1e-8);
      CHECK(error_of_gradient(task::MultiLabel{}, z, random.bits(batch, width)) < 1e-8);
    }
  }
}

TEST_CASE("task: values agree with PyTorch's", "[reference][task]") {
  const auto close = [](double expected) { return Approx(expected).epsilon(1e-14); };
  const Labels labels{1, 0};
  const std::vector<double> weights{1.0, 2.0, 0.5};
  CHECK(task::Classification{}.value(logits(), labels) == close(1.4815538782940914));
  CHECK(task::Classification{weights}.value(logits(), labels) == close(1.1040399911187897));
  CHECK(task::Classification{{}, 0.1}.value(logits(), labels) == close(1.5190538782940914));
  CHECK(task::Classification{weights, 0.1}.value(logits(), labels) == close(1.139423515874229));
  CHECK(task::MultiLabel{}.value(logits(), bits()) == close(0.8920091902853517));
  CHECK(task::Regression{}.value(logits(), bits()) == close((0.0 + 4.0 + 4.0 + 0.25 + 0.0625 + 4.0) / 6.0));
}

TEST_CASE("task: large logits stay finite", "[reference][task]") {
  CHECK(task::Classification{}.value(1e3 * logits(), {2, 1}) == Approx((3000.0 + 3250.0) / 2.0));
  CHECK(task::MultiLabel{}.value(-1e3 * logits(), bits()) == Approx((1000.0 + 0.0 + 0.0 + 0.0 + 250.0 + 3000.0) / 6.0));
}

TEST_CASE("task: labels, targets, class weights and smoothing out of range are refused", "[reference][task]") {
  CHECK_THROWS_AS(task::Classification{}.value(logits(), {1, 3}), g2d::DataError);
  CHECK_THROWS_WITH(task::Classification{}.value(logits(), {1, 3}),
                    "g2d: reference::task::Classification: sample 1: expected a label in [0, 3), got 3");
  CHECK_THROWS_WITH(task::Classification{}.gradient(logits(), {-1, 0}),
                    "g2d: reference::task::Classification: sample 0: expected a label in [0, 3), got -1");
  CHECK_THROWS_AS(task::Classification{}.value(logits(), {1}), g2d::ShapeError);
  CHECK_THROWS_WITH(task::Classification{}.value(logits(), {1}),
                    "g2d: reference::task::Classification: expected 2 labels, got 1");
  CHECK_THROWS_WITH((task::Classification{{1.0, 2.0}}.value(logits(), {1, 0})),
                    "g2d: reference::task::Classification: expected 3 class weights, got 2");
  CHECK_THROWS_AS((task::Classification{{}, 1.0}.value(logits(), {1, 0})), g2d::ConfigError);
  CHECK_THROWS_WITH((task::Classification{{}, 1.0}.value(logits(), {1, 0})),
                    "g2d: reference::task::Classification: expected label smoothing in [0, 1), got 1.000000");
  CHECK_THROWS_WITH(task::Regression{}.value(logits(), Matrix::Zero(2, 1)),
                    "g2d: reference::task::Regression: targets: expected [2, 3], got [2, 1]");
  CHECK_THROWS_WITH(task::MultiLabel{}.gradient(logits(), Matrix::Zero(3, 3)),
                    "g2d: reference::task::MultiLabel: targets: expected [2, 3], got [3, 3]");
}
