// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// MSLR and MSES over several epochs, against golden numbers that make_golden_gradients.py computed in NumPy.

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/method/mses.hpp>
#include <g2d/method/mslr.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/task/classification.hpp>

#include "method/golden_gradients.hpp"
#include "support/random_case.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::task::Classification;
using nlohmann::json;
namespace method = g2d::method;

g2d::PerModality<double> numbers(const json& values) {
  const auto all = values.get<std::vector<double>>();
  return {all.begin(), all.end()};
}

}  // namespace

// --- MSLR ---

TEST_CASE("method::Mslr: fourteen epochs' factors equal NumPy's, relative and cumulative", "[method][golden]") {
  for (const auto mode : {method::MslrMode::Relative, method::MslrMode::Cumulative}) {
    const auto& expected = golden()["mslr"][mode == method::MslrMode::Relative ? "relative" : "cumulative"];
    method::Mslr<Classification> mslr(
        {.initial = numbers(expected["initial"]), .history = expected["history"].get<std::int64_t>(), .mode = mode});
    mslr.begin({names(2), {3, 3}, num_outputs, 20});
    ShownRun run;
    mslr.prepare(run);
    for (std::size_t epoch = 0; epoch < expected["accuracies"].size(); ++epoch) {
      run.last = method::ValidationResult{{0.0, {0.0, 0.0}}, numbers(expected["accuracies"][epoch])};
      ++run.next;
      mslr.prepare(run);
      method::Plan plan{.controls = method::Controls(2)};
      mslr.plan(run.next, plan);
      for (std::size_t m = 0; m < 2; ++m) {
        CHECK(plan.controls[m].learning_rate_factor == Approx(expected["factors"][epoch][m].get<double>()));
      }
    }
  }
}

TEST_CASE("method::Mslr: an accuracy of 0 does not end learning", "[method]") {
  method::Mslr<Classification> mslr({.history = 2, .mode = method::MslrMode::Cumulative});
  mslr.begin({names(2), {3, 3}, num_outputs, 20});
  ShownRun run;
  for (const double accuracy : {0.5, 0.0}) {
    run.last = method::ValidationResult{{0.0, {0.0, 0.0}}, {accuracy, 0.4}};
    ++run.next;
    mslr.prepare(run);
  }
  CHECK(mslr.factors()[0] == 1.0);
}

TEST_CASE("method::Mslr: an accuracy that is no number moves nothing, and is not remembered", "[method]") {
  for (const auto mode : {method::MslrMode::Relative, method::MslrMode::Cumulative}) {
    const auto factors = [mode](const std::vector<double>& of_first) {
      method::Mslr<Classification> mslr({.history = 2, .mode = mode});
      mslr.begin({names(2), {3, 3}, num_outputs, 20});
      ShownRun run;
      for (const double accuracy : of_first) {
        run.last = method::ValidationResult{{0.0, {0.0, 0.0}}, {accuracy, 0.4}};
        run.next += 2;
        mslr.prepare(run);
      }
      return std::vector<double>(mslr.factors().begin(), mslr.factors().end());
    };
    const double nan = std::nan("");
    CHECK(factors({nan, nan, nan}) == std::vector<double>{1.0, 1.0});
    CHECK(factors({0.2, nan, 0.4, nan, 0.6, nan}) == factors({0.2, 0.4, 0.6}));
    CHECK(factors({0.2, 0.4, 0.6})[0] > 1.0);
  }
}

// --- MSES ---

namespace {

/// One step for each epoch, and validation losses that are made up.
struct Stopping {
  std::shared_ptr<g2d::AnyStudent> student;
  AnyStep step;
  ShownRun run;
  std::uint64_t number = 10;

  Stopping(method::MsesOptions options, std::size_t modalities, std::string_view fusion = "late")
      : student(double_student(fusion, modalities)),
        step(*student, method::Stack(method::Supervised<Classification>(), method::Mses(options)),
             {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.5}, .num_epochs = 50}) {
    step.prepare(run);
  }

  /// Trains an epoch, judges it and plans the next one; gives back what the epoch ended with.
  Snapshot epoch(g2d::PerModality<double> losses) {
    step(random_batch(number++, student->num_modalities()));
    auto end = snapshot(*student);
    run.last = method::ValidationResult{{0.0, losses}, g2d::PerModality<double>(losses.size(), 0.0)};
    ++run.next;
    step.prepare(run);
    step.begin_epoch(run.next);
    return end;
  }
};

}  // namespace

TEST_CASE("method::Mses: who stops after which epoch, and with which weights, equals NumPy's", "[method][golden]") {
  const auto& expected = golden()["mses"];
  Stopping training({.patience = expected["patience"].get<std::int64_t>()}, 3);
  std::vector<Snapshot> ends;
  const auto& after = expected["after"];
  for (std::size_t epoch = 0; epoch < after.size(); ++epoch) {
    ends.push_back(training.epoch(numbers(expected["losses"][epoch])));
    const auto now = snapshot(*training.student);
    const auto& plan = training.step.plan();
    for (std::size_t m = 0; m < 3; ++m) {
      const bool has_stopped = after[epoch]["stopped"][m].get<bool>();
      CHECK(plan.controls[m].frozen == has_stopped);
      CHECK(plan.controls[m].head_frozen == has_stopped);
      if (!has_stopped) continue;
      for (const auto& [name, value] : now) {
        if (name.find(names(3)[m]) != std::string::npos)
          CHECK(value == ends[after[epoch]["best"][m].get<std::size_t>()].at(name));
      }
    }
    CHECK(plan.ends_run == (epoch + 1 == after.size()));
    CHECK_FALSE(plan.resets_optimizer);
  }
}

TEST_CASE("method::Mses: officially the whole student goes back, to weights of before anything went back", "[method]") {
  Stopping training(method::official_mses(0), 2, "concat");
  const auto first = training.epoch({1.0, 1.0});
  const auto second = training.epoch({2.0, 0.5});
  CHECK(snapshot(*training.student) == first);
  CHECK(training.step.plan().controls[0].frozen);
  CHECK_FALSE(training.step.plan().controls[1].frozen);
  CHECK(training.step.plan().resets_optimizer);
  CHECK_FALSE(training.step.plan().ends_run);
  training.epoch({0.0, 5.0});
  CHECK(snapshot(*training.student) == second);
  CHECK(training.step.plan().ends_run);
}

TEST_CASE("method::Mses: a first loss that is not a number is improved upon", "[method]") {
  Stopping training({.patience = 3}, 2);
  training.epoch({std::nan(""), 1.0});
  training.epoch({1.0, 0.9});
  training.epoch({0.9, 0.8});
  training.epoch({0.8, 0.7});
  training.epoch({0.7, 0.6});
  training.epoch({0.6, 0.5});
  CHECK_FALSE(training.step.plan().controls[0].frozen);
}

TEST_CASE("method::Mses: a modality whose loss is no number is not judged", "[method]") {
  const double nan = std::nan("");
  for (const bool is_official : {false, true}) {
    INFO((is_official ? "official" : "own"));
    const method::MsesOptions options{.patience = 1, .restores_everything = is_official};
    // No validation sample has the first modality.
    Stopping never(options, 2);
    for (int epoch = 0; epoch < 6; ++epoch) {
      const auto end = never.epoch({nan, 1.0 / (epoch + 1)});
      CHECK(snapshot(*never.student) == end);
      for (const auto& control : never.step.plan().controls) CHECK_FALSE(control.frozen);
    }
    CHECK_FALSE(never.step.plan().ends_run);

    // The other one is judged all the same, and its stop is not the end of the run.
    Stopping one(options, 2);
    for (const double loss : {1.0, 2.0, 3.0}) one.epoch({nan, loss});
    CHECK_FALSE(one.step.plan().controls[0].frozen);
    CHECK(one.step.plan().controls[1].frozen);
    CHECK_FALSE(one.step.plan().ends_run);
  }
  // Epochs that judge nobody do not count towards the patience.
  Stopping training({.patience = 1}, 2);
  training.epoch({1.0, 1.0});
  for (int epoch = 0; epoch < 5; ++epoch) training.epoch({nan, 0.5});
  training.epoch({2.0, 0.5});
  CHECK_FALSE(training.step.plan().controls[0].frozen);
  training.epoch({2.0, 0.4});
  CHECK(training.step.plan().controls[0].frozen);
}

TEST_CASE("method::Mses: options out of range are refused", "[method]") {
  CHECK_THAT(thrown<g2d::ConfigError>([] { method::Mses({.patience = -1}); }),
             Contains("method::Mses: expected patience >= 0, got -1"));
  CHECK_THAT(thrown<g2d::ConfigError>([] { method::Mses({.newest_share = 0.0}); }),
             Contains("expected newest_share in (0, 1], got 0"));
}
