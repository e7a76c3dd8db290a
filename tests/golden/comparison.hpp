// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

// What the golden tests share: their tolerances, and where the cases are. A failure names case, step and quantity.

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/test_directory.hpp"

namespace g2d_test {

/// Relative 1e-9; absolute 1e-12 at 0.
inline void check_number(std::string_view quantity, double actual, double expected) {
  INFO(fmt::format("{}: expected {:.17g}, got {:.17g}", quantity, expected, actual));
  CHECK(std::abs(actual - expected) <= std::max(1e-9 * std::abs(expected), 1e-12));
}

/// Absolute 1e-9 in every element.
inline void check_tensor(std::string_view quantity, const at::Tensor& actual, const at::Tensor& expected) {
  INFO(fmt::format("{}", quantity));
  REQUIRE(actual.sizes() == expected.sizes());
  const auto distance = actual.to(at::kDouble).sub(expected.to(at::kDouble)).abs().max().item<double>();
  INFO(fmt::format("greatest distance {:.3g}", distance));
  CHECK(distance <= 1e-9);
}

[[nodiscard]] inline nlohmann::json read_json(const std::filesystem::path& file) {
  std::ifstream stream(file);
  return nlohmann::json::parse(stream);
}

/// The cases of one kind: the project's own, then those below the folder that G2D_FIXTURES names.
class GoldenCases {
 public:
  explicit GoldenCases(const std::string& kind) : kind_(kind) {
    num_own_ = append(test_directory() / "golden" / kind);
    const char* more = std::getenv("G2D_FIXTURES");
    if (more == nullptr || *more == '\0') return;
    INFO("G2D_FIXTURES=" << more);
    REQUIRE(std::filesystem::is_directory(more));
    num_further_ = append(std::filesystem::path(more) / kind);
  }

  /// Runs every case, also after one that throws, and says how many there were.
  template <class Run>
  void run(Run&& run_case) const {
    for (const auto& path : paths_) {
      INFO("case " << path.string());
      try {
        run_case(path);
      } catch (const std::exception& error) {
        FAIL_CHECK(error.what());
      }
    }
    fmt::print("golden {}: ran {} cases of the project and {} of G2D_FIXTURES\n", kind_, num_own_, num_further_);
    REQUIRE(!paths_.empty());
  }

 private:
  std::size_t append(const std::filesystem::path& folder) {
    if (!std::filesystem::is_directory(folder)) return 0;
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (entry.is_directory() || entry.path().extension() == ".json") found.push_back(entry.path());
    }
    std::sort(found.begin(), found.end());
    paths_.insert(paths_.end(), found.begin(), found.end());
    return found.size();
  }

  std::string kind_;
  std::vector<std::filesystem::path> paths_;
  std::size_t num_own_ = 0;
  std::size_t num_further_ = 0;
};

}  // namespace g2d_test
