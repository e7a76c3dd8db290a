// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Every method with every fusion, with 1 to 4 modalities: it trains, or it is refused with a sentence before it has
// begun.

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <g2d/fusion/any.hpp>
#include <g2d/method/any.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/teacher/teacher_source.hpp>
#include <g2d/train/trainer.hpp>

#include "support/policy_lists.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::OutputKind;

constexpr std::int64_t width = 3;

/// "Agm", "Distillation": the class's own name.
template <class Method>
std::string name_of() {
  const std::string full = c10::demangle_type<Method>();
  const auto end = full.find('<');
  const auto head = full.substr(0, end);
  return head.substr(head.rfind(':') + 1);
}

template <class Task>
g2d::data::InMemory samples(std::int64_t count, std::uint64_t split, std::size_t num_modalities) {
  const auto labelled = blobs(count, split, num_modalities);
  const auto batch = labelled.batch(torch::arange(count));
  auto target = batch.target;
  if constexpr (Task::output_kind != OutputKind::Classes)
    target = torch::one_hot(target, num_classes).to(torch::kFloat);
  return g2d::data::InMemory(names(num_modalities), batch.inputs, target);
}

template <class Task>
struct Outcome {
  g2d::History history;
  Snapshot weights;
  std::vector<std::string> moved;

  [[nodiscard]] bool an_encoder_moved() const {
    return std::any_of(moved.begin(), moved.end(), [](const auto& name) { return name.starts_with("encoders."); });
  }
};

/// A run of a few short epochs. Whatever it is refused for comes out as its error.
template <class Task>
Outcome<Task> train(g2d::method::Any method, const std::string& fusion, std::size_t num_modalities,
                    std::int64_t num_epochs = 2) {
  torch::manual_seed(5);
  const auto student = make_student(tanh_encoders(std::vector<std::int64_t>(num_modalities, input_width),
                                                  std::vector<std::int64_t>(num_modalities, width)),
                                    num_classes, fusion);
  const auto before = snapshot(*student);
  const g2d::TeacherSource teachers{[num_modalities](const g2d::Batch& batch) {
                                      return Random(static_cast<std::uint64_t>(batch.size()), torch::kFloat)
                                          .teachers(batch.size(), std::vector<std::int64_t>(num_modalities, width),
                                                    num_classes);
                                    },
                                    {g2d::PerModality<std::int64_t>(num_modalities, width), num_classes,
                                     g2d::PerModality<double>(num_modalities, 0.5)}};
  g2d::Trainer<g2d::AnyStudent, g2d::method::Any, Task> trainer(
      *student, std::move(method), Task(),
      {.num_epochs = num_epochs, .batch_size = 8, .selection = g2d::Selection::Last}, teachers);
  auto history = trainer.fit(samples<Task>(20, 1, num_modalities), samples<Task>(9, 2, num_modalities));
  return {std::move(history), snapshot(*student), changed(before, *student)};
}

/// The fusion that a method asks for, where it asks for one.
const std::map<std::string, std::set<std::string>> only_with{
    {"Amco", {"boosted", "concat", "cosine", "cross-excitation", "energy-weighted", "late", "shared-head", "sum"}},
    {"Greedy", {"cross-excitation"}},
    {"Lfm", {"late"}},
    {"Mla", {"shared-head"}},
    {"MmCosine", {"cosine"}},
    {"Qmf", {"energy-weighted"}},
    {"ReconBoost", {"boosted"}}};

bool admits(const std::string& method, const std::string& fusion) {
  const auto found = only_with.find(method);
  return found == only_with.end() || found->second.contains(fusion);
}

}  // namespace

TEMPLATE_TEST_CASE("method: each trains with every fusion and 2, 3 and 4 modalities, or says why not", "[method]",
                   task::Classification, task::Regression, task::MultiLabel) {
  for_each_method<TestType>([]<class Method>(std::type_identity<Method>) {
    const auto name = name_of<Method>();
    for (const auto fusion_choice : g2d::fusion::choices) {
      const std::string fusion(fusion_choice);
      for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
        INFO(fmt::format("{} with {} and {} modalities", name, fusion, modalities));
        const auto make = [] { return g2d::method::Any(complete<TestType>(Method())); };
        const std::int64_t num_epochs = name == "G2d" ? static_cast<std::int64_t>(modalities) + 1 : 2;  // Its stages.
        std::optional<std::string> refusal;
        try {
          const auto outcome = train<TestType>(make(), fusion, modalities, num_epochs);
          for (const auto& epoch : outcome.history.epochs) {
            CHECK(epoch.num_skipped == 0);
            for (const auto& [term, value] : epoch.losses) CHECK(std::isfinite(value));
          }
          CHECK(outcome.moved.size() >= modalities);
          CHECK(outcome.an_encoder_moved());
          if (modalities == 2)
            CHECK(train<TestType>(make(), fusion, modalities, num_epochs).weights == outcome.weights);
        } catch (const g2d::ConfigError& error) {
          refusal = error.what();
        }
        CHECK(refusal.has_value() == !admits(name, fusion));
        if (!refusal) continue;
        CHECK(refusal->starts_with("g2d: method::" + name + ": expected "));
        CHECK_THAT(*refusal, Contains("with fusion::") || Contains("; use ") || Contains("; choose "));
      }
    }
  });
}

TEST_CASE("method: one modality is trained, or refused by those that compare modalities", "[method]") {
  std::set<std::string> refused;
  for_each_method<task::Classification>([&]<class Method>(std::type_identity<Method>) {
    const auto name = name_of<Method>();
    const auto found = only_with.find(name);
    const auto fusion = found == only_with.end() ? std::string("late") : *found->second.begin();
    INFO(name);
    try {
      const auto outcome = train<task::Classification>(complete<task::Classification>(Method()), fusion, 1);
      CHECK(outcome.an_encoder_moved());
    } catch (const g2d::ConfigError& error) {
      CHECK(std::string(error.what()).starts_with("g2d: "));
      refused.insert(name);
    }
  });
  CHECK(refused == std::set<std::string>{"Agm", "Greedy", "Lfm", "MmPareto", "Pmr", "ReconBoost", "Valuation"});
}

TEST_CASE("method: prioritization stacks on each, and the suppressed encoder stands still", "[method]") {
  using Smp = method::Prioritization<schedule::Sequential<>>;
  for_each_method<task::Classification>([]<class Method>(std::type_identity<Method>) {
    const auto name = name_of<Method>();
    // MLA and ReconBoost take turns of their own, and G2D has its stages already.
    if (name == "Mla" || name == "ReconBoost" || name == "G2d") return;
    INFO(name);
    const auto found = only_with.find(name);
    const auto fusion = found == only_with.end() ? std::string("late") : *found->second.begin();
    const Smp first_alone(schedule::Sequential<>({.stage_epochs = {2, 0, 0}, .order = g2d::schedule::Order::Declared}));
    const auto outcome =
        train<task::Classification>(method::Stack(complete<task::Classification>(Method()), first_alone), fusion, 2);
    bool first_moved = false;
    for (const auto& parameter : outcome.moved) {
      CHECK(parameter.find("encoders." + names(2)[1]) == std::string::npos);
      first_moved = first_moved || parameter.find("encoders." + names(2)[0]) != std::string::npos;
    }
    CHECK(first_moved);
  });
}
