// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/atomic_file.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/metrics/metric.hpp>
#include <g2d/report/statistics.hpp>
#include <g2d/report/text_table.hpp>

#include "methods.hpp"

/// One row of one seed: a teacher, their ensemble, or a method, judged on the test split.
struct ResultRow {
  std::uint64_t seed = 0;
  std::string name;
  g2d::metrics::Metrics metrics;
  std::vector<double> unimodal;  // the first metric of what each modality says alone; NaN where that does not apply
  std::int64_t epochs = 0;
  double seconds = 0.0;
  std::int64_t num_skipped = 0;  // steps
  bool has_diverged = false;     // its metrics are no results then

  [[nodiscard]] const char* status() const { return has_diverged ? "diverged" : "finished"; }
};

/// What a run found, and how it is shown.
class Results {
 public:
  /// `unit`: of a regression's target, or empty.
  Results(g2d::ModalityNames modalities, std::string unit)
      : modalities_(std::move(modalities)), unit_(std::move(unit)) {}

  /// Called after every new row, to keep what is finished.
  void on_row(std::function<void()> keep) { on_row_ = std::move(keep); }

  void add(ResultRow row) {
    row.unimodal.resize(modalities_.size(), std::numeric_limits<double>::quiet_NaN());
    if (row.has_diverged) {
      for (auto& metric : row.metrics) metric.value = std::numeric_limits<double>::quiet_NaN();
      for (auto& value : row.unimodal) value = std::numeric_limits<double>::quiet_NaN();
    }
    rows_.push_back(std::move(row));
    if (on_row_) on_row_();
  }

  /// Whether a row came to nothing: of that name, or of any.
  [[nodiscard]] bool has_diverged(const std::string& name = {}) const {
    return std::any_of(rows_.begin(), rows_.end(),
                       [&](const ResultRow& row) { return row.has_diverged && (name.empty() || row.name == name); });
  }

  [[nodiscard]] bool empty() const { return rows_.empty(); }

  /// Mean ± standard deviation over the seeds.
  [[nodiscard]] std::string table() const {
    const auto& first = rows_[0].metrics;
    std::vector<std::string> head{"test", title(first[0])};
    for (const auto& modality : modalities_) head.push_back(modality + " alone");
    for (std::size_t i = 1; i < first.size(); ++i) head.push_back(title(first[i]));
    head.insert(head.end(), {"epochs", "seconds"});
    g2d::report::TextTable table(std::move(head));
    for (const auto& name : names()) {
      std::vector<std::string> cells{name, has_diverged(name) ? "diverged" : shown(metric_values(name, 0), first[0])};
      for (std::size_t m = 0; m < modalities_.size(); ++m) {
        cells.push_back(shown(values(name, [m](const ResultRow& row) { return row.unimodal[m]; }), first[0]));
      }
      for (std::size_t i = 1; i < first.size(); ++i) cells.push_back(shown(metric_values(name, i), first[i]));
      const auto epochs = values(name, [](const ResultRow& row) { return static_cast<double>(row.epochs); });
      cells.push_back(epochs[0] > 0 ? fmt::format("{:.0f}", epochs[0]) : "");
      cells.push_back(
          fmt::format("{:.1f}", g2d::report::mean(values(name, [](const ResultRow& row) { return row.seconds; }))));
      table.add(std::move(cells));
    }
    return table.str();
  }

  /// What each method that was run gains over the baselines that were run, and prioritization over G2D's loss: paired
  /// over the seeds.
  [[nodiscard]] std::string comparisons() const {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const auto method : method_choices) {
      for (const auto* baseline : {"joint", "joint-total"}) {
        if (!method.starts_with("joint")) pairs.emplace_back(method, baseline);
      }
    }
    pairs.emplace_back("g2d", "g2d-loss");
    const auto& metric = rows_[0].metrics[0];
    const auto unit = is_share(metric) ? "points" : unit_.empty() ? metric.name : unit_ + " " + metric.name;
    std::string text;
    for (const auto& [a, b] : pairs) {
      const auto left = scaled(metric_values(a, 0), metric);
      const auto right = scaled(metric_values(b, 0), metric);
      if (left.empty() || left.size() != right.size() || has_diverged(a) || has_diverged(b)) continue;
      const auto [mean, half_width] = g2d::report::paired_difference(left, right);
      const auto interval = left.size() > 1 ? fmt::format(", 95 % interval [{:+.{}f}, {:+.{}f}]", mean - half_width,
                                                          digits(metric), mean + half_width, digits(metric))
                                            : std::string(" (one seed: no interval)");
      text += fmt::format("{:>10} - {:<11} {:+.{}f} {}{}{}\n", a, b, mean, digits(metric), unit, interval,
                          a == "g2d" && b == "g2d-loss" ? "   (what SMP does)" : "");
    }
    if (!metric.higher_is_better && !text.empty()) text += fmt::format("{}: lower is better\n", metric.name);
    return text;
  }

  /// One line a row and seed.
  [[nodiscard]] std::string csv() const {
    std::string text = "seed,name";
    for (const auto& metric : rows_[0].metrics) text += "," + metric.name;
    for (const auto& modality : modalities_) text += fmt::format(",{}_alone", modality);
    text += ",epochs,seconds,skipped_steps,status\n";
    for (const auto& row : rows_) {
      text += fmt::format("{},{}", row.seed, row.name);
      for (const auto& metric : row.metrics) text += cell(metric.value);
      for (const double value : row.unimodal) text += cell(value);
      text += fmt::format(",{},{:.3f},{},{}\n", row.epochs, row.seconds, row.num_skipped, row.status());
    }
    return text;
  }

  [[nodiscard]] nlohmann::json json() const {
    auto all = nlohmann::json::array();
    for (const auto& row : rows_) {
      nlohmann::json entry{{"seed", row.seed},
                           {"name", row.name},
                           {"epochs", row.epochs},
                           {"seconds", row.seconds},
                           {"skipped_steps", row.num_skipped},
                           {"status", row.status()}};
      for (const auto& metric : row.metrics) {
        if (!std::isnan(metric.value)) entry[metric.name] = metric.value;
      }
      for (std::size_t m = 0; m < modalities_.size(); ++m) {
        if (!std::isnan(row.unimodal[m])) entry["unimodal"][modalities_[m]] = row.unimodal[m];
      }
      all.push_back(std::move(entry));
    }
    return all;
  }

 private:
  /// Empty where there was nothing to judge.
  [[nodiscard]] static std::string cell(double value) {
    return std::isnan(value) ? std::string(",") : fmt::format(",{}", value);
  }

  /// In order of appearance.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> names;
    for (const auto& row : rows_) {
      if (std::find(names.begin(), names.end(), row.name) == names.end()) names.push_back(row.name);
    }
    return names;
  }

  /// One value a seed, in the order of the seeds.
  template <class Value>
  [[nodiscard]] std::vector<double> values(const std::string& name, Value value) const {
    std::vector<double> found;
    for (const auto& row : rows_) {
      if (row.name == name) found.push_back(value(row));
    }
    return found;
  }

  [[nodiscard]] std::vector<double> metric_values(const std::string& name, std::size_t i) const {
    return values(name, [i](const ResultRow& row) { return row.metrics[i].value; });
  }

  [[nodiscard]] static bool is_share(const g2d::metrics::Metric& metric) {
    return metric.name == "accuracy" || metric.name == "macro_f1";
  }

  [[nodiscard]] std::string title(const g2d::metrics::Metric& metric) const {
    if (is_share(metric)) return metric.name == "macro_f1" ? "macro-F1 in %" : metric.name + " in %";
    if (metric.name == "r2") return "R²";
    return unit_.empty() ? metric.name : fmt::format("{} in {}", metric.name, unit_);
  }

  /// Shares in percent, errors in the target's unit.
  [[nodiscard]] static std::vector<double> scaled(std::vector<double> values, const g2d::metrics::Metric& metric) {
    for (double& value : values) value *= is_share(metric) ? 100.0 : 1.0;
    return values;
  }

  /// Behind the decimal point: figures in units follow the size of the first.
  [[nodiscard]] int digits(const g2d::metrics::Metric& metric) const {
    if (is_share(metric)) return 2;
    if (metric.name == "r2") return 3;
    const auto judged = std::find_if(rows_.begin(), rows_.end(),
                                     [](const ResultRow& row) { return std::isfinite(row.metrics[0].value); });
    const double value = judged == rows_.end() ? 1.0 : judged->metrics[0].value;
    return std::max(0, 3 - static_cast<int>(std::ceil(std::log10(std::max(value, 1e-6)))));
  }

  [[nodiscard]] std::string shown(std::vector<double> values, const g2d::metrics::Metric& metric) const {
    if (values.empty() || std::any_of(values.begin(), values.end(), [](double v) { return std::isnan(v); })) return "";
    values = scaled(std::move(values), metric);
    const int precision = is_share(metric) ? 1 : digits(metric);
    if (values.size() < 2) return fmt::format("{:.{}f}", g2d::report::mean(values), precision);
    return fmt::format("{:.{}f} ± {:.{}f}", g2d::report::mean(values), precision,
                       g2d::report::standard_deviation(values), precision);
  }

  g2d::ModalityNames modalities_;
  std::string unit_;
  std::vector<ResultRow> rows_;
  std::function<void()> on_row_;
};

inline void write_file(const std::filesystem::path& path, const std::string& text) {
  g2d::AtomicFile file(path);
  file.write(text);
  file.commit();
}
