// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/method.hpp>
#include <g2d/train/student.hpp>

#include "method_settings.hpp"
#include "support/methods.hpp"
#include "support/settings.hpp"

/// A share of the run's epochs, at least one.
[[nodiscard]] inline std::int64_t epochs_of(const Settings& settings, double share) {
  return std::max<std::int64_t>(1, std::lround(share * static_cast<double>(settings.epochs)));
}

/// What a method is made of.
template <class Task>
struct MethodParts {
  const Settings& settings;
  const MethodSettings& own;
  const Task& task;
  const g2d::AnyStudent& student;
  std::uint64_t seed;
};

/// The place of a setting's value among its choices. Errors: ConfigError listing them.
[[nodiscard]] inline std::size_t one_of(const MethodSettings& own, const std::string& name,
                                        const std::vector<std::string>& choices) {
  const auto value = own.get(name, choices.front());
  const auto found = std::find(choices.begin(), choices.end(), value);
  if (found == choices.end()) {
    throw g2d::ConfigError(
        fmt::format("setting {}: expected one of ({}), got \"{}\"", name, fmt::join(choices, ", "), value));
  }
  return static_cast<std::size_t>(found - choices.begin());
}

template <class Task>
using MethodMaker = std::function<g2d::method::Any(const MethodParts<Task>&)>;

/// Makers of all methods that a task admits, by name.
template <class Task>
[[nodiscard]] const std::map<std::string, MethodMaker<Task>>& method_makers() {
  using namespace g2d;
  using Parts = MethodParts<Task>;
  using method::Any;
  using method::Supervised;
  static const auto makers = [] {
    const auto added = [](const Parts& parts, auto policy) -> Any {
      return method::Stack(Supervised<Task>(parts.task), std::move(policy));
    };
    const auto umt = [](const Parts& parts) {
      return method::Umt<Task>({.weight = parts.own.get("weight", 10.0)}, parts.task);
    };
    const auto joint = [](const Parts& parts) -> Any { return method::JointTraining<Task>(parts.task); };
    std::map<std::string, MethodMaker<Task>> all{
        {"joint", joint},
        {"joint-total", joint},
        {"frozen-teachers", joint},
        {"multi-task", [](const Parts& parts) -> Any { return method::UniformMultiTask<Task>(parts.task); }},
        {"umt", [umt](const Parts& parts) -> Any { return umt(parts); }},
        {"g2d-loss", [](const Parts& parts) -> Any { return distilling(parts.settings, parts.task, true); }},
        {"g2d",
         [](const Parts& parts) {
           return prioritized(parts.settings, parts.seed, distilling(parts.settings, parts.task, true));
         }},
        {"smp",
         [](const Parts& parts) { return prioritized(parts.settings, parts.seed, Supervised<Task>(parts.task)); }},
        {"smp-umt", [umt](const Parts& parts) { return prioritized(parts.settings, parts.seed, umt(parts)); }},
        {"agm",
         [added](const Parts& parts) {
           return added(parts, method::Agm<Task>({.strength = parts.own.get("strength", 1.0)}, parts.task));
         }},
        {"mmpareto",
         [](const Parts& parts) -> Any {
           return method::MmPareto<Task>({.gain = parts.own.get("gain", 1.5)}, parts.task);
         }},
        {"mla", [](const Parts& parts) -> Any { return method::Mla<Task>({}, parts.task); }},
        {"mmcosine", [](const Parts& parts) -> Any { return method::MmCosine<Task>(parts.task); }},
        {"opm",
         [added](const Parts& parts) {
           return added(parts, method::Opm<Task>({.base_rate = parts.own.get("base_rate", 0.5),
                                                  .warm_up_epochs = epochs_of(parts.settings, 0.06)},
                                                 parts.task));
         }},
        {"mses",
         [added](const Parts& parts) {
           return added(parts,
                        method::Mses({.patience = epochs_of(parts.settings, parts.own.get("patience_share", 0.3))}));
         }},
        {"g-blend",
         [](const Parts& parts) -> Any {
           return method::GradientBlending<Task>(
               {.super_epoch = epochs_of(parts.settings, parts.own.get("super_epoch_share", 0.34))}, parts.task);
         }},
        {"greedy",
         [added](const Parts& parts) {
           return added(parts, method::Greedy({.threshold = parts.own.get("threshold", 0.01)}));
         }},
    };
    if constexpr (Task::output_kind == OutputKind::Classes) {
      const auto ogm = [added](const Parts& parts, bool adds_noise) {
        return added(parts, method::Ogm<Task>({.strength = parts.own.get("strength", 0.8), .adds_noise = adds_noise},
                                              parts.task));
      };
      all["ogm"] = [ogm](const Parts& parts) { return ogm(parts, false); };
      all["ogm-ge"] = [ogm](const Parts& parts) { return ogm(parts, true); };
      all["cml"] = [](const Parts& parts) -> Any {
        return method::Cml<Task>({.weight = parts.own.get("weight", 0.1)}, parts.task);
      };
      all["pmr"] = [added](const Parts& parts) {
        return added(parts, method::Pmr<Task>({.weight = parts.own.get("weight", 1.0)}, parts.task));
      };
      all["mslr"] = [added](const Parts& parts) {
        const auto is_cumulative = one_of(parts.own, "mode", {"relative", "cumulative"}) == 1;
        return added(parts, method::Mslr<Task>(
                                {.initial = {},
                                 .history = parts.own.get("history", std::int64_t{5}),
                                 .mode = is_cumulative ? method::MslrMode::Cumulative : method::MslrMode::Relative},
                                parts.task));
      };
      all["relearning"] = [added](const Parts& parts) {
        return added(parts, method::Relearning<Task>(
                                {.strength = parts.own.get("strength", 3.0), .period = epochs_of(parts.settings, 0.22)},
                                parts.task));
      };
      all["valuation"] = [added](const Parts& parts) {
        const auto is_by_modality = one_of(parts.own, "level", {"sample", "modality"}) == 1;
        return added(parts, method::Valuation<Task>({.level = is_by_modality ? method::ValuationLevel::Modality
                                                                             : method::ValuationLevel::Sample,
                                                     .warm_up_epochs = epochs_of(parts.settings, 0.08),
                                                     .strength = parts.own.get("strength", 1.0),
                                                     .keeps_epoch_length = true},
                                                    parts.task));
      };
      all["amco"] = [](const Parts& parts) -> Any {
        return method::Amco<Task>({.ramp = parts.own.get("ramp", 0.3)}, parts.task);
      };
      all["qmf"] = [](const Parts& parts) -> Any {
        return method::Qmf<Task>({.rank_weight = parts.own.get("rank_weight", 1.0)}, parts.task);
      };
      all["lfm"] = [](const Parts& parts) -> Any {
        constexpr std::array shares{method::LfmSchedule::Fitted, method::LfmSchedule::Exponential,
                                    method::LfmSchedule::Learned};
        return method::Lfm<Task>({.schedule = shares[one_of(parts.own, "share", {"fitted", "exponential", "learned"})]},
                                 parts.task);
      };
      all["reconboost"] = [](const Parts& parts) -> Any {
        const auto epochs = parts.own.get("phase_epochs", std::int64_t{4});
        return method::ReconBoost<Task>({.learner_epochs = epochs, .joint_epochs = epochs}, parts.task);
      };
      all["mbsd"] = [](const Parts& parts) -> Any {
        return method::Mbsd<Task>({.weight = parts.own.get("weight", 1.0)}, parts.task);
      };
    }
    return all;
  }();
  return makers;
}

/// Errors: ConfigError for a method that the task does not admit.
template <class Task>
[[nodiscard]] g2d::method::Any make_method(const std::string& name, const MethodParts<Task>& parts) {
  const auto& makers = method_makers<Task>();
  const auto found = makers.find(name);
  if (found == makers.end()) {
    throw g2d::ConfigError(fmt::format(
        "suite_cell: method {}: it compares the probabilities of classes, and the dataset has values to predict",
        name));
  }
  return found->second(parts);
}
