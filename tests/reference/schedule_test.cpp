// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/core/error.hpp>
#include <g2d/reference/schedule/batchwise.hpp>
#include <g2d/reference/schedule/kappa.hpp>
#include <g2d/reference/schedule/order.hpp>
#include <g2d/reference/schedule/stages.hpp>

#include <cmath>
#include <vector>

#include "support/catch.hpp"

using namespace g2d::reference;

TEST_CASE("schedule: the weak come first and equal ones stay in declared order", "[reference][schedule]") {
  CHECK(schedule::weak_first({0.7, 0.2, 0.5}) == std::vector<std::size_t>{1, 2, 0});
  CHECK(schedule::weak_first({0.5, 0.2, 0.5, 0.2}) == std::vector<std::size_t>{1, 3, 0, 2});
  CHECK(schedule::weak_first({0.5}) == std::vector<std::size_t>{0});
}

TEST_CASE("schedule: epochs fall into their stages and empty stages are passed over", "[reference][schedule]") {
  std::vector<std::size_t> stages;
  for (std::int64_t epoch = 0; epoch < 5; ++epoch) stages.push_back(schedule::stage_of_epoch(epoch, {2, 0, 1, 2}));
  CHECK(stages == std::vector<std::size_t>{0, 0, 2, 3, 3});
  CHECK_THROWS_AS(schedule::stage_of_epoch(5, {2, 0, 1, 2}), g2d::ConfigError);
  CHECK_THROWS_WITH(schedule::stage_of_epoch(5, {2, 0, 1, 2}),
                    "g2d: reference::schedule::stage_of_epoch: expected an epoch in [0, 5), got 5");
  CHECK_THROWS_WITH(schedule::stage_of_epoch(-1, {2}),
                    "g2d: reference::schedule::stage_of_epoch: expected an epoch in [0, 2), got -1");
}

TEST_CASE("schedule: each modality learns alone in its turn, then all", "[reference][schedule]") {
  const std::vector<std::size_t> order{2, 0, 1};
  CHECK(schedule::active_modalities(0, order) == std::vector<std::size_t>{2});
  CHECK(schedule::active_modalities(2, order) == std::vector<std::size_t>{1});
  CHECK(schedule::active_modalities(3, order) == std::vector<std::size_t>{0, 1, 2});
  CHECK_THROWS_WITH(schedule::active_modalities(4, order),
                    "g2d: reference::schedule::active_modalities: expected a stage below 4, got 4");
}

TEST_CASE("schedule: kappa damps who is surer than the mean of the others", "[reference][schedule]") {
  CHECK(schedule::kappa({0.6, 0.3}, 0.1) == std::vector<double>{1.0 - std::tanh(0.1 * (0.6 / 0.3)), 1.0});
  const std::vector<double> three = schedule::kappa({0.9, 0.6, 0.3}, 0.5);
  CHECK(three[0] == Approx(1.0 - std::tanh(0.5 * 2.0)));
  CHECK(three[1] == 1.0);
  CHECK(three[2] == 1.0);
  CHECK(schedule::kappa({0.3, 0.3, 0.3}, 1.0) == std::vector<double>{1.0, 1.0, 1.0});
  CHECK(schedule::kappa({0.3}, 1.0) == std::vector<double>{1.0});
  CHECK(schedule::kappa({0.5, 0.0}, 1.0) == std::vector<double>{0.0, 1.0});
}

TEST_CASE("schedule: batchwise suppresses the surest teacher's modality, and nothing at a tie",
          "[reference][schedule]") {
  CHECK(schedule::batchwise({3.0, 5.0}) == std::vector<double>{1.0, 0.0});
  CHECK(schedule::batchwise({5.0, 5.0}) == std::vector<double>{1.0, 1.0});
  CHECK(schedule::batchwise({1.0, 5.0, 1.0}) == std::vector<double>{1.0, 0.0, 1.0});
  CHECK(schedule::batchwise({5.0, 1.0, 5.0}) == std::vector<double>{1.0, 1.0, 1.0});
}
