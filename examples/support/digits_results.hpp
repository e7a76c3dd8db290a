// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/report/statistics.hpp>
#include <g2d/report/text_table.hpp>
#include <g2d/train/evaluate.hpp>

/// One row of one seed: a teacher, their ensemble, or a method. Shares are in [0, 1]; NaN: does not apply.
struct DigitsRow {
  std::uint64_t seed = 0;
  std::string name;
  double accuracy = 0.0;
  double macro_f1 = 0.0;
  std::vector<double> unimodal;  // accuracy of what each modality says alone
  std::int64_t epochs = 0;
  double seconds = 0.0;
};

struct DigitsResults {
  g2d::ModalityNames modalities;
  std::vector<DigitsRow> rows;

  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& row : rows) {
      if (std::find(names.begin(), names.end(), row.name) == names.end()) names.push_back(row.name);
    }
    return names;
  }

  /// One value a seed, in the order of the seeds.
  template <class Value>
  [[nodiscard]] std::vector<double> values(const std::string& name, Value value) const {
    std::vector<double> found;
    for (const auto& row : rows) {
      if (row.name == name) found.push_back(value(row));
    }
    return found;
  }
};

[[nodiscard]] inline std::string percent(const std::vector<double>& shares) {
  if (shares.empty() || std::isnan(shares[0])) return "";
  const double center = 100.0 * g2d::report::mean(shares);
  if (shares.size() < 2) return fmt::format("{:.1f}", center);
  return fmt::format("{:.1f} ± {:.1f}", center, 100.0 * g2d::report::standard_deviation(shares));
}

/// Test results: mean ± standard deviation over the seeds.
[[nodiscard]] inline std::string table(const DigitsResults& results) {
  std::vector<std::string> head{"test accuracy in %", "fused"};
  for (const auto& modality : results.modalities) head.push_back(modality + " alone");
  head.insert(head.end(), {"macro-F1", "epochs", "seconds"});
  g2d::report::TextTable table(std::move(head));
  for (const auto& name : results.names()) {
    std::vector<std::string> cells{name, percent(results.values(name, [](const auto& row) { return row.accuracy; }))};
    for (std::size_t m = 0; m < results.modalities.size(); ++m) {
      cells.push_back(percent(results.values(name, [m](const auto& row) { return row.unimodal[m]; })));
    }
    cells.push_back(percent(results.values(name, [](const auto& row) { return row.macro_f1; })));
    const auto epochs = results.values(name, [](const auto& row) { return static_cast<double>(row.epochs); });
    cells.push_back(epochs[0] > 0 ? fmt::format("{:.0f}", epochs[0]) : "");
    cells.push_back(fmt::format("{:.1f}", g2d::report::mean(results.values(name, [](const auto& row) { return row.seconds; }))));
    table.add(std::move(cells));
  }
  return table.str();
}

/// The comparisons that the paper's claim is about, for the methods that were run.
[[nodiscard]] inline std::string comparisons(const DigitsResults& results) {
  static const std::vector<std::pair<std::string, std::string>> pairs{
      {"g2d", "joint"}, {"g2d", "joint-total"}, {"g2d-loss", "joint"}, {"g2d", "g2d-loss"}, {"smp", "joint"}};
  std::string text;
  for (const auto& [a, b] : pairs) {
    const auto left = results.values(a, [](const auto& row) { return 100.0 * row.accuracy; });
    const auto right = results.values(b, [](const auto& row) { return 100.0 * row.accuracy; });
    if (left.empty() || left.size() != right.size()) continue;
    const auto [mean, half_width] = g2d::report::paired_difference(left, right);
    const auto note = a == "g2d" && b == "g2d-loss" ? "   (what SMP does)" : "";
    text += left.size() > 1 ? fmt::format("{:>8} - {:<11} {:+.2f} points, 95 % interval [{:+.2f}, {:+.2f}]{}\n", a, b, mean,
                                          mean - half_width, mean + half_width, note)
                            : fmt::format("{:>8} - {:<11} {:+.2f} points (one seed: no interval){}\n", a, b, mean, note);
  }
  return text;
}

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  g2d::AtomicFile file(path);
  file.write(text);
  file.commit();
}

/// results.csv: one line a row and seed.
[[nodiscard]] inline std::string csv(const DigitsResults& results) {
  std::string text = "seed,name,accuracy,macro_f1";
  for (const auto& modality : results.modalities) text += fmt::format(",{}_alone", modality);
  text += ",epochs,seconds\n";
  for (const auto& row : results.rows) {
    text += fmt::format("{},{},{},{}", row.seed, row.name, row.accuracy, row.macro_f1);
    for (const double share : row.unimodal) text += std::isnan(share) ? "," : fmt::format(",{}", share);
    text += fmt::format(",{},{:.3f}\n", row.epochs, row.seconds);
  }
  return text;
}

[[nodiscard]] inline nlohmann::json to_json(const DigitsResults& results) {
  auto rows = nlohmann::json::array();
  for (const auto& row : results.rows) {
    nlohmann::json unimodal;
    for (std::size_t m = 0; m < results.modalities.size(); ++m) {
      if (!std::isnan(row.unimodal[m])) unimodal[results.modalities[m]] = row.unimodal[m];
    }
    rows.push_back({{"seed", row.seed}, {"name", row.name}, {"accuracy", row.accuracy}, {"macro_f1", row.macro_f1},
                    {"unimodal", unimodal}, {"epochs", row.epochs}, {"seconds", row.seconds}});
  }
  return rows;
}
