// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Runs Catch2. `--requires TAG` before its own arguments first asks for the tag's requirement and, where that is not
// met, prints why and returns 77, which CTest counts as skipped.

#define CATCH_CONFIG_RUNNER
#include "catch.hpp"
#include "requirement.hpp"

#include <cstdlib>
#include <iostream>
#include <vector>

namespace g2d_test {

namespace {

constexpr int skipped = 77;

std::string unless_set(const char* variable, const char* meaning) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0' ? "" : std::string(variable) + " is not set; it names " + meaning;
}

std::string no_data() { return unless_set("G2D_DATA", "the folder of the real data"); }
std::string no_python() { return unless_set("G2D_PYTHON", "a Python interpreter that has torch"); }

}  // namespace

std::map<std::string_view, Requirement>& requirements() {
  static std::map<std::string_view, Requirement> all{{"data", no_data}, {"python", no_python}};
  return all;
}

}  // namespace g2d_test

int main(int argc, char* argv[]) {
  std::vector<char*> arguments(argv, argv + argc);
  if (argc > 2 && std::string_view(argv[1]) == "--requires") {
    const std::string reason = g2d_test::requirements().at(argv[2])();
    if (!reason.empty()) {
      std::cout << "skipped: " << reason << '\n';
      return g2d_test::skipped;
    }
    arguments.erase(arguments.begin() + 1, arguments.begin() + 3);
  }
  Catch::Session session;
  const int usage_error = session.applyCommandLine(static_cast<int>(arguments.size()), arguments.data());
  return usage_error != 0 ? usage_error : session.run();
}
