// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/distillation/any.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/distillation.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/ogm.hpp>
#include <g2d/method/prioritization.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/method/uniform_multi_task.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/suppression/complete.hpp>
#include <g2d/suppression/partial.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>

#include "settings.hpp"

inline constexpr std::array<std::string_view, 9> method_choices{"joint", "joint-total", "multi-task", "g2d-loss", "g2d",
                                                                "smp",   "umt",         "ogm",        "ogm-ge"};

/// `seed` draws a random order.
[[nodiscard]] inline g2d::schedule::SequentialOptions sequential_options(const Settings& settings, std::uint64_t seed) {
  using g2d::schedule::Order;
  g2d::schedule::SequentialOptions options{.stage_epochs = settings.stage_epochs, .seed = seed};
  if (settings.order == "strong-first") options.order = Order::StrongFirst;
  if (settings.order == "random") options.order = Order::Random;
  if (settings.order == "declared") options.order = Order::Declared;
  return options;
}

/// Sequential modality prioritization, with the suppression asked for, on top of a loss.
template <class Loss>
[[nodiscard]] g2d::method::Any prioritized(const Settings& settings, std::uint64_t seed, Loss loss) {
  using namespace g2d;
  const auto with = [&](auto suppression) {
    const schedule::Sequential schedule(sequential_options(settings, seed), suppression);
    return method::Any(method::Stack(loss, method::Prioritization(schedule, {settings.restart_learning_rate})));
  };
  if (settings.suppression == "partial") return with(suppression::Partial());
  if (settings.suppression == "zeroed") return with(suppression::ZeroedGradients());
  return with(suppression::Complete());
}

/// Supervised loss and distillation. `logits` is false for UMT, which distils features only.
template <class Task>
[[nodiscard]] auto distilling(const Settings& settings, const Task& task, bool logits) {
  using namespace g2d;
  using Distil = method::Distillation<Task, distillation::Any, distillation::Any>;
  const auto options =
      method::DistillationOptions{.feature_weight = settings.feature_weight, .logit_weight = settings.logit_weight};
  return method::Stack(method::Supervised<Task>(task),
                       Distil(options, task, distillation::make(settings.feature_distillation, {settings.temperature}),
                              logits ? distillation::make(settings.logit_distillation, {settings.temperature})
                                     : distillation::Any(distillation::None{})));
}

template <class Task>
[[nodiscard]] g2d::method::Any make_method(const Settings& settings, const Task& task, const std::string& name,
                                           std::uint64_t seed) {
  using namespace g2d;
  if (name == "multi-task") return method::UniformMultiTask<Task>(task);
  if (name == "g2d-loss") return distilling(settings, task, true);
  if (name == "g2d") return prioritized(settings, seed, distilling(settings, task, true));
  if (name == "smp") return prioritized(settings, seed, method::Supervised<Task>(task));
  if (name == "umt") return distilling(settings, task, false);
  if (name == "ogm" || name == "ogm-ge") {
    if constexpr (Task::output_kind == OutputKind::Classes) {
      return method::Stack(method::Supervised<Task>(task),
                           method::Ogm<Task>({.strength = 0.8, .adds_noise = name == "ogm-ge"}, task));
    }
    throw ConfigError(
        fmt::format("--methods {}: expected a classification; OGM compares the probabilities of the true class", name));
  }
  return method::JointTraining<Task>(task);
}
