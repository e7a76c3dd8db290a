// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <typeinfo>
#include <utility>

namespace g2d_test {

/// The text of the error that `function` throws, if it is of just this type; a remark otherwise, which no text equals.
template <class Error, class Function>
std::string thrown(Function&& function) {
  try {
    std::forward<Function>(function)();
  } catch (const std::exception& error) {
    if (typeid(error) == typeid(Error)) return error.what();
    return std::string("an error of another type, ") + typeid(error).name() + ": " + error.what();
  }
  return "nothing was thrown";
}

}  // namespace g2d_test
