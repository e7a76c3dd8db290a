// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Properties of every schedule in support/policy_lists.hpp.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <type_traits>
#include <utility>
#include <vector>

#include "support/fusion_cases.hpp"
#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace g2d_test;

/// A stage for each modality and one for all: a shorter run is refused.
template <class Schedule>
inline constexpr bool has_stages_of_own = requires(const Schedule& schedule) { schedule.options().stage_epochs; };

}  // namespace

TEST_CASE("schedule: stages follow each other and fill the run", "[schedule]") {
  for_each(Schedules(), []<class Schedule>(std::type_identity<Schedule>) {
    INFO(c10::demangle_type<Schedule>());
    for (std::size_t modalities = 1; modalities <= most_modalities; ++modalities) {
      for (const std::int64_t epochs : {1, 2, 7, 40}) {
        if (has_stages_of_own<Schedule> && epochs <= static_cast<std::int64_t>(modalities) && modalities > 1) continue;
        const auto stages = Schedule().stages({names(modalities), g2d::PerModality<double>(modalities, 0.5), epochs});
        std::int64_t next = 0;
        for (const auto& stage : stages) {
          CHECK(stage.first_epoch == next);
          CHECK(stage.num_epochs >= 0);
          CHECK(stage.suppressed.size() == modalities);
          CHECK(stage.contains(next) == (stage.num_epochs > 0));
          next += stage.num_epochs;
        }
        CHECK(next == epochs);
      }
    }
  });
}

namespace {

using Epochs = std::vector<std::int64_t>;

/// The modality that learns alone in each stage but the last, and the epochs of all.
std::pair<std::vector<std::size_t>, Epochs> plan(const schedule::SequentialOptions& options,
                                                 const g2d::PerModality<double>& confidence, std::int64_t epochs) {
  const auto stages = schedule::Sequential<>(options).stages({names(confidence.size()), confidence, epochs});
  std::vector<std::size_t> order;
  Epochs lengths;
  for (const auto& stage : stages) {
    lengths.push_back(stage.num_epochs);
    if (&stage == &stages.back()) break;
    order.push_back(static_cast<std::size_t>(std::find(stage.suppressed.begin(), stage.suppressed.end(), false) -
                                             stage.suppressed.begin()));
    CHECK(std::count(stage.suppressed.begin(), stage.suppressed.end(), false) == 1);
  }
  CHECK(std::count(stages.back().suppressed.begin(), stages.back().suppressed.end(), true) == 0);
  return {order, lengths};
}

using Order = std::vector<std::size_t>;

}  // namespace

TEST_CASE("schedule::Sequential: each modality alone from weak to strong, then all", "[schedule]") {
  const g2d::PerModality<double> confidence{0.9, 0.2, 0.5};
  CHECK(plan({}, confidence, 8) == std::pair(Order{1, 2, 0}, Epochs{2, 2, 2, 2}));
  CHECK(plan({.order = schedule::Order::StrongFirst}, confidence, 8).first == Order{0, 2, 1});
  CHECK(plan({.order = schedule::Order::Declared}, confidence, 8).first == Order{0, 1, 2});
  CHECK(plan({}, {0.5, 0.5, 0.5}, 8).first == Order{0, 1, 2});
  CHECK(plan({.order = schedule::Order::StrongFirst}, {0.5, 0.5, 0.5}, 8).first == Order{0, 1, 2});
  CHECK(plan({.order = schedule::Order::StrongFirst}, {0.2, 0.5, 0.5}, 8).first == Order{1, 2, 0});
  CHECK(plan({.stage_epochs = {1, 0, 3, 4}}, confidence, 8).second == Epochs{1, 0, 3, 4});
  CHECK(plan({}, confidence, 10).second == Epochs{3, 2, 3, 2});
  CHECK(plan({.stage_fractions = {1, 0, 1, 2}}, confidence, 40).second == Epochs{10, 0, 10, 20});
  const auto stages = schedule::Sequential<>().stages({names(2), {0.9, 0.2}, 3});
  CHECK(stages[0].name == "image alone");
  CHECK(stages[1].name == "audio alone");
  CHECK(stages[2].name == "all");
}

TEST_CASE("schedule::Sequential: a run too short for its stages is refused, never cut", "[schedule]") {
  const auto refused = [](schedule::SequentialOptions options, std::size_t modalities, std::int64_t epochs) {
    return thrown<g2d::ConfigError>([&] {
      (void)schedule::Sequential<>(std::move(options))
          .stages({names(modalities), g2d::PerModality<double>(modalities, 0.5), epochs});
    });
  };
  CHECK(
      refused({}, 2, 1) ==
      "g2d: schedule::Sequential: expected at least one epoch for each of 3 stages, got [0, 1, 0] of a run of 1; train "
      "longer, or give stage_epochs, in which 0 leaves a stage out");
  CHECK_THAT(refused({}, 3, 2), Catch::Matchers::Contains("4 stages"));
  CHECK_THAT(refused({.stage_fractions = {1, 0, 99}}, 2, 10), Catch::Matchers::Contains("2 stages, got [0, 0, 10]"));
  for (std::size_t modalities = 1; modalities <= most_modalities; ++modalities) {
    const g2d::PerModality<double> confidence(modalities, 0.5);
    for (auto epochs = static_cast<std::int64_t>(modalities) + 1; epochs < 30; ++epochs) {
      const auto lengths = plan({}, confidence, epochs).second;
      CHECK(*std::min_element(lengths.begin(), lengths.end()) >= 1);
    }
  }
  CHECK(plan({}, {0.5}, 1).second == Epochs{1, 0});  // Both stages are the same.
}

TEST_CASE("schedule::Sequential: a random order is a permutation that its seed fixes", "[schedule]") {
  const auto draw = [](std::uint64_t seed) {
    return plan({.order = schedule::Order::Random, .seed = seed}, {0.1, 0.2, 0.3, 0.4, 0.5}, 12).first;
  };
  std::vector<Order> orders;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    auto order = draw(seed);
    CHECK(order == draw(seed));
    orders.push_back(order);
    std::sort(order.begin(), order.end());
    CHECK(order == Order{0, 1, 2, 3, 4});
  }
  CHECK(std::count(orders.begin(), orders.end(), orders[0]) < 4);
}

TEST_CASE("schedule::Batchwise: compares batches inside its window only", "[schedule]") {
  const auto compares = [](const schedule::BatchwiseOptions& options, std::int64_t epoch) {
    for (const auto& stage : schedule::Batchwise<>(options).stages({names(2), {}, 10})) {
      if (stage.contains(epoch)) return stage.compares_batches;
    }
    throw std::logic_error("no stage");
  };
  CHECK(compares({}, 0));
  CHECK(compares({}, 9));
  CHECK_FALSE(compares({.first_epoch = 2, .last_epoch = 4}, 1));
  CHECK(compares({.first_epoch = 2, .last_epoch = 4}, 2));
  CHECK(compares({.first_epoch = 2, .last_epoch = 4}, 4));
  CHECK_FALSE(compares({.first_epoch = 2, .last_epoch = 4}, 5));
  CHECK(compares({.first_epoch = 9, .last_epoch = 40}, 9));
}

TEST_CASE("schedule::Batchwise: a window that begins after the run is refused", "[schedule]") {
  CHECK(thrown<g2d::ConfigError>([] { (void)schedule::Batchwise<>({.first_epoch = 10}).stages({names(2), {}, 10}); }) ==
        "g2d: schedule::Batchwise: expected first_epoch within the run's 10 epochs, got 10; train longer, or begin "
        "earlier");
}
