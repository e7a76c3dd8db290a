// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <string_view>

#include <g2d/core/error.hpp>
#include <g2d/method/context.hpp>

namespace g2d::method::detail {

/// The student that a method is begun with.
///
/// Errors     ConfigError when there is none.
[[nodiscard]] inline const StudentView& student_of(const Setup& setup, std::string_view method) {
  if (setup.student == nullptr) {
    throw ConfigError(
        fmt::format("g2d: method::{}: expected Setup::student, got none; Step and Trainer give it", method));
  }
  return *setup.student;
}

}  // namespace g2d::method::detail
