// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/confidence/classification.hpp>
#include <g2d/reference/confidence/multi_label.hpp>
#include <g2d/reference/confidence/regression.hpp>

#include <cmath>

#include "support/catch.hpp"

using namespace g2d::reference;

TEST_CASE("confidence: classification is the mean probability of the true class", "[reference][confidence]") {
  Matrix logits(2, 2);
  logits << std::log(0.2), std::log(0.8), std::log(3.0), std::log(1.0);
  CHECK(confidence::classification(logits, {1, 0}) == Approx((0.8 + 0.75) / 2.0));
  CHECK(confidence::classification(logits, {0, 0}) == Approx((0.2 + 0.75) / 2.0));
  CHECK_THROWS_AS(confidence::classification(logits, {0, 2}), g2d::DataError);
  CHECK_THROWS_WITH(confidence::classification(logits, {0, 2}),
                    "g2d: reference::confidence::classification: sample 1: expected a label in [0, 2), got 2");
}

TEST_CASE("confidence: regression falls with the error in units of the target's spread", "[reference][confidence]") {
  Matrix targets(2, 2);
  targets << 0.0, 2.0, 4.0, 6.0;
  CHECK(confidence::target_variance(targets) == Approx(5.0));  // deviations -3, -1, 1, 3 of the pooled mean

  Matrix predictions = targets;
  CHECK(confidence::regression(predictions, targets, 5.0) == 1.0);
  predictions(1, 0) += 3.0;
  predictions(1, 1) -= 1.0;
  CHECK(confidence::regression(predictions, targets, 5.0) == Approx((1.0 + std::exp(-5.0 / 10.0)) / 2.0));

  CHECK_THROWS_AS(confidence::regression(targets, targets, 0.0), g2d::ConfigError);
  CHECK_THROWS_WITH(confidence::regression(targets, targets, 0.0),
                    "g2d: reference::confidence::regression: expected target variance > 0, got 0.000000");
  CHECK_THROWS_WITH(confidence::regression(targets, Matrix::Zero(2, 1), 1.0),
                    "g2d: reference::confidence::regression: targets: expected [2, 2], got [2, 1]");
}

TEST_CASE("confidence: multi-label is the mean probability of the true bits", "[reference][confidence]") {
  Matrix logits(1, 2);
  logits << std::log(3.0), std::log(0.25);  // probabilities 3/4 and 1/5
  Matrix targets(1, 2);
  targets << 1.0, 0.0;
  CHECK(confidence::multi_label(logits, targets) == Approx((0.75 + 0.8) / 2.0));
  CHECK_THROWS_WITH(confidence::multi_label(logits, Matrix::Zero(2, 2)),
                    "g2d: reference::confidence::multi_label: targets: expected [1, 2], got [2, 2]");
}
