// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <g2d/metrics/metric.hpp>

#include "support/test_directory.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

/// What NumPy computed, and how metrics are compared with it.
namespace g2d_test {

using nlohmann::json;

inline constexpr auto missing = std::numeric_limits<double>::quiet_NaN();

inline std::vector<json> golden_cases(const std::string& name) {
  std::ifstream file(test_directory() / "analysis" / "golden" / name);
  return json::parse(file).at("cases");
}

inline at::Tensor tensor_of(const json& numbers) {
  if (!numbers[0].is_array()) return torch::tensor(numbers.get<std::vector<double>>(), at::kDouble);
  std::vector<at::Tensor> rows;
  for (const auto& row : numbers) rows.push_back(tensor_of(row));
  return torch::stack(rows);
}

inline double gap(const at::Tensor& a, const at::Tensor& b) { return (a - b).abs().max().item<double>(); }

inline double value(const g2d::metrics::Metrics& metrics, const std::string& name) {
  for (const auto& metric : metrics) {
    if (metric.name == name) return metric.value;
  }
  return missing;
}

inline void check_metrics(const g2d::metrics::Metrics& metrics, const json& expected) {
  for (const auto& [name, number] : expected.items()) {
    INFO(name);
    CHECK(value(metrics, name) == Approx(number.get<double>()).margin(1e-6));
  }
}

inline std::vector<double> values(const g2d::metrics::Metrics& metrics) {
  std::vector<double> values;
  for (const auto& metric : metrics) values.push_back(metric.value);
  return values;
}

}  // namespace g2d_test
