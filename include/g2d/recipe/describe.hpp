// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <variant>

#include <g2d/recipe/recipe.hpp>

namespace g2d::recipe {

namespace detail {

[[nodiscard]] constexpr std::string_view to_string(suppression::NormStatistics statistics) {
  switch (statistics) {
    case suppression::NormStatistics::Frozen:
      return "frozen";
    case suppression::NormStatistics::Batch:
      return "of the batch";
    case suppression::NormStatistics::Tracked:
      return "tracked";
  }
  return "unknown";
}

[[nodiscard]] constexpr std::string_view to_string(schedule::Order order) {
  switch (order) {
    case schedule::Order::WeakFirst:
      return "weak first";
    case schedule::Order::StrongFirst:
      return "strong first";
    case schedule::Order::Random:
      return "in random order";
    case schedule::Order::Declared:
      return "in declared order";
  }
  return "unknown";
}

[[nodiscard]] inline std::string describe_schedule(const schedule::Joint& /*joint*/) {
  return "all modalities in every epoch";
}

[[nodiscard]] inline std::string describe_schedule(const schedule::Sequential<suppression::Complete>& sequential) {
  const auto& options = sequential.options();
  std::string stages = "equal";
  if (!options.stage_epochs.empty()) {
    stages = fmt::format("[{}] epochs", fmt::join(options.stage_epochs, ", "));
  } else if (!options.stage_fractions.empty()) {
    stages = fmt::format("[{}] shares", fmt::join(options.stage_fractions, ", "));
  }
  return fmt::format(
      "each modality alone, {}, then all; stages {}; suppressed encoders frozen, their norm statistics {}",
      to_string(options.order), stages, to_string(sequential.suppression().norm_statistics()));
}

[[nodiscard]] inline std::string describe_schedule(const schedule::Batchwise<suppression::ZeroedGradients>& batchwise) {
  const auto& options = batchwise.options();
  const auto& suppression = batchwise.suppression();
  const auto last =
      options.last_epoch == std::numeric_limits<std::int64_t>::max() ? "the last" : std::to_string(options.last_epoch);
  return fmt::format(
      "in every batch of epochs {} to {} the modality with the surer teacher is suppressed: gradients of {} x 0, norm "
      "statistics {}",
      options.first_epoch, last, suppression.filter().convolutions_only ? "its convolutions" : "its encoder",
      to_string(suppression.norm_statistics()));
}

[[nodiscard]] inline std::string describe_optimizer(const optimizer::Sgd& sgd) {
  return fmt::format("sgd, learning rate {}, momentum {}{}, weight decay {}", sgd.learning_rate, sgd.momentum,
                     sgd.nesterov ? " (nesterov)" : "", sgd.weight_decay);
}

[[nodiscard]] inline std::string describe_optimizer(const optimizer::Adam& adam) {
  return fmt::format("adam, learning rate {}, betas {} and {}, weight decay {}", adam.learning_rate, adam.beta1,
                     adam.beta2, adam.weight_decay);
}

[[nodiscard]] inline std::string describe_optimizer(const optimizer::AdamW& adam) {
  return fmt::format("adamw, learning rate {}, betas {} and {}, decoupled weight decay {}", adam.learning_rate,
                     adam.beta1, adam.beta2, adam.weight_decay);
}

}  // namespace detail

/// All settings of a recipe, a line each, for a log or a result file.
[[nodiscard]] inline std::string describe(const Recipe& recipe) {
  const auto schedule =
      std::visit([](const auto& chosen) { return detail::describe_schedule(chosen); }, recipe.schedule);
  const auto optimizer =
      std::visit([](const auto& chosen) { return detail::describe_optimizer(chosen); }, recipe.optimizer);
  return fmt::format(
      "recipe         {}\n"
      "fusion         {}, readout {}\n"
      "distillation   features {} x {}, logits {} x {}, temperature {}\n"
      "schedule       {}\n"
      "confidence     on {} samples\n"
      "calibration    {}\n"
      "optimizer      {}\n"
      "learning rate  x {} every {} epochs\n"
      "run            {} epochs, batch {}, seed {}\n"
      "selection      {}\n",
      recipe.name, recipe.fusion, recipe.readout, recipe.feature_weight, recipe.feature_distillation,
      recipe.logit_weight, recipe.logit_distillation, recipe.temperature, schedule, to_string(recipe.confidence),
      recipe.calibrate_norm_statistics ? "norm statistics before the first freeze" : "none", optimizer,
      recipe.step_lr_factor, recipe.step_lr_period, recipe.num_epochs, recipe.batch_size, recipe.seed,
      recipe.selects_on_test ? "best epoch on the test split" : "best validation epoch of the last stage");
}

}  // namespace g2d::recipe
