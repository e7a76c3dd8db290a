// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "support/catch.hpp"

#include <g2d/version.hpp>

#include <string>

TEST_CASE("version: the text is made of the three numbers", "[version]") {
  const std::string numbers = std::to_string(G2D_VERSION_MAJOR) + "." + std::to_string(G2D_VERSION_MINOR) + "." +
                              std::to_string(G2D_VERSION_PATCH);
  CHECK(std::string(G2D_VERSION) == numbers);
}
