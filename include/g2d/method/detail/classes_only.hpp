// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <type_traits>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>

namespace g2d::method::detail {

/// False where the task's type says that it has no classes.
template <class Task>
inline constexpr bool may_have_classes_v = [] {
  if constexpr (requires { std::integral_constant<OutputKind, Task::output_kind>{}; }) {
    return Task::output_kind == OutputKind::Classes;
  } else {
    return true;
  }
}();

/// The same where only the task object knows. `reason` says what the method does with classes.
inline void check_classes(OutputKind kind, std::string_view method,
                          std::string_view reason = "it compares their probabilities") {
  if (kind == OutputKind::Classes) return;
  throw ConfigError(
      fmt::format("g2d: method::{}: expected a task of classes, for {}; use task::Classification", method, reason));
}

}  // namespace g2d::method::detail
