// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <type_traits>
#include <utility>
#include <variant>

#include <g2d/distillation/any.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/recipe/recipe.hpp>
#include <g2d/task/classification.hpp>

namespace g2d::recipe {

/// The method of a recipe, for `Step` and `Trainer`.
///
/// Errors     ConfigError listing the names for an unknown formula; when a Step is constructed, those of `method::G2d`,
///            for example for "kl" of a regression.
template <task::TaskPolicy Task = task::Classification>
[[nodiscard]] method::Any make_method(const Recipe& recipe, Task task = Task()) {
  return std::visit(
      [&](const auto& schedule) -> method::Any {
        using Chosen = std::remove_cvref_t<decltype(schedule)>;
        return method::G2d<Task, distillation::Any, distillation::Any, Chosen>(
            {.feature_weight = recipe.feature_weight, .logit_weight = recipe.logit_weight}, std::move(task),
            distillation::make(recipe.feature_distillation),
            distillation::make(recipe.logit_distillation, {.temperature = recipe.temperature}), schedule);
      },
      recipe.schedule);
}

}  // namespace g2d::recipe
