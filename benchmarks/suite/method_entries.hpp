// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "method_entry.hpp"

namespace detail {

using Grid = std::vector<nlohmann::json>;

[[nodiscard]] inline Grid values_of(const std::string& setting, const std::vector<nlohmann::json>& values) {
  Grid grid;
  for (const auto& value : values) grid.push_back({{setting, value}});
  return grid;
}

/// For methods without a setting of their own; the first is the dataset's.
[[nodiscard]] inline Grid weight_decays() {
  return {nlohmann::json::object(), {{"weight_decay", 0.0}}, {{"weight_decay", 1e-3}}};
}

/// Of Sequential Modality Prioritization: short stages with one schedule over all of them, with one schedule for each,
/// and equal stages with one for each.
[[nodiscard]] inline Grid stages() {
  return {{{"alone_share", 0.1}},
          {{"alone_share", 0.1}, {"restart_learning_rate", true}},
          {{"alone_share", 0}, {"restart_learning_rate", true}}};
}

}  // namespace detail

/// All methods of the suite. The first settings are the method's own default; all have three, but where nothing is
/// trained.
[[nodiscard]] inline const std::vector<MethodEntry>& method_entries() {
  using detail::stages;
  using detail::values_of;
  using detail::weight_decays;
  using Start = MethodEntry::Start;
  static const std::vector<std::string> any{"late", "sum", "concat", "film", "gated"};
  static const std::vector<std::string> split{"late", "sum", "concat"};
  static const std::vector<MethodEntry> entries{
      {.name = "joint", .title = "joint training", .source = "", .fusions = any, .grid = weight_decays()},
      {.name = "joint-total",
       .title = "joint training, with the teachers' budget too",
       .source = "",
       .fusions = any,
       .grid = weight_decays()},
      {.name = "multi-task",
       .title = "uniform multi-task training",
       .source = "arXiv:2405.17730",
       .fusions = any,
       .readout = "own-heads",
       .grid = weight_decays()},
      {.name = "ensemble",
       .title = "UME: mean of the teachers' logits",
       .source = "arXiv:2305.01233",
       .fusions = {"late"},
       .grid = {nlohmann::json::object()},
       .needs_teachers = true,
       .start = Start::Ensemble},
      {.name = "frozen-teachers",
       .title = "trained fusion of frozen teachers",
       .source = "",
       .fusions = {"concat", "late", "sum", "film", "gated"},
       .grid = weight_decays(),
       .needs_teachers = true,
       .start = Start::FrozenTeachers},
      {.name = "umt",
       .title = "UMT",
       .source = "arXiv:2305.01233",
       .fusions = any,
       .grid = values_of("weight", {10.0, 1.0, 100.0}),
       .needs_teachers = true},
      {.name = "ogm",
       .title = "OGM",
       .source = "arXiv:2203.15332",
       .fusions = any,
       .readout = "authors",
       .grid = values_of("strength", {0.8, 0.1, 0.3}),
       .admits_regression = false},
      {.name = "ogm-ge",
       .title = "OGM-GE",
       .source = "arXiv:2203.15332",
       .fusions = any,
       .readout = "authors",
       .grid = values_of("strength", {0.8, 0.1, 0.3}),
       .admits_regression = false},
      {.name = "g2d",
       .title = "G2D",
       .source = "arXiv:2506.21514",
       .fusions = any,
       .grid = stages(),
       .needs_teachers = true},
      {.name = "g2d-loss",
       .title = "G2D's loss without prioritization",
       .source = "arXiv:2506.21514",
       .fusions = any,
       .grid = values_of("feature_weight", {1.0, 0.1, 10.0}),
       .needs_teachers = true},
      {.name = "smp",
       .title = "SMP on joint training",
       .source = "arXiv:2506.21514",
       .fusions = any,
       .grid = stages(),
       .needs_teachers = true},
      {.name = "smp-umt",
       .title = "SMP on UMT",
       .source = "arXiv:2506.21514",
       .fusions = any,
       .grid = stages(),
       .needs_teachers = true},
      {.name = "agm",
       .title = "AGM",
       .source = "arXiv:2308.07686",
       .fusions = any,
       .grid = values_of("strength", {1.0, 0.1, 2.5})},
      {.name = "mmpareto",
       .title = "MMPareto",
       .source = "arXiv:2405.17730",
       .fusions = any,
       .readout = "own-heads",
       .grid = values_of("gain", {1.5, 1.0, 2.0})},
      {.name = "mla",
       .title = "MLA",
       .source = "arXiv:2311.10707",
       .fusions = {"shared-head"},
       .readout = "authors",
       .grid = weight_decays()},
      {.name = "reconboost",
       .title = "ReconBoost",
       .source = "arXiv:2405.09321",
       .fusions = {"boosted"},
       .readout = "authors",
       .grid = values_of("phase_epochs", {4, 2, 1}),
       .admits_regression = false},
      {.name = "lfm",
       .title = "LFM (DLMG)",
       .source = "NeurIPS 2024",
       .fusions = {"late"},
       .readout = "authors",
       .grid = values_of("share", {"fitted", "exponential", "learned"}),
       .admits_regression = false},
      {.name = "pmr",
       .title = "PMR",
       .source = "arXiv:2211.07089",
       .fusions = any,
       .grid = values_of("weight", {1.0, 0.3, 2.0}),
       .admits_regression = false},
      {.name = "opm",
       .title = "OPM",
       .source = "TPAMI 2024",
       .fusions = any,
       .readout = "authors",
       .grid = values_of("base_rate", {0.5, 0.3, 0.7})},
      {.name = "mmcosine",
       .title = "MMCosine",
       .source = "arXiv:2303.05338",
       .fusions = {"cosine"},
       .readout = "authors",
       .grid = values_of("scale", {10.0, 5.0, 20.0})},
      {.name = "cml",
       .title = "CML",
       .source = "arXiv:2306.01265",
       .fusions = any,
       .grid = values_of("weight", {0.1, 0.01, 1.0}),
       .admits_regression = false},
      {.name = "mslr",
       .title = "MSLR",
       .source = "Findings of ACL 2022",
       .fusions = split,
       .readout = "authors",
       .grid = {{{"history", 5}}, {{"history", 3}}, {{"history", 5}, {"mode", "cumulative"}}},
       .admits_regression = false},
      {.name = "mses",
       .title = "MSES",
       .source = "ACPR 2019",
       .fusions = split,
       .readout = "authors",
       .grid = values_of("patience_share", {0.3, 0.15, 0.5})},
      {.name = "g-blend",
       .title = "G-Blend",
       .source = "arXiv:1905.12681",
       .fusions = any,
       .readout = "own-heads",
       .grid = values_of("super_epoch_share", {0.34, 0.2, 0.5})},
      {.name = "relearning",
       .title = "Diagnosing and re-learning",
       .source = "arXiv:2407.09705",
       .fusions = any,
       .grid = values_of("strength", {3.0, 1.0, 10.0}),
       .admits_regression = false},
      {.name = "valuation",
       .title = "Modality valuation",
       .source = "arXiv:2309.06255",
       .fusions = any,
       .grid = {{{"level", "sample"}}, {{"level", "modality"}}, {{"level", "modality"}, {"strength", 2.0}}},
       .admits_regression = false},
      {.name = "mbsd",
       .title = "MBSD",
       .source = "WSDM 2023",
       .fusions = any,
       .readout = "authors",
       .grid = values_of("weight", {1.0, 0.3, 3.0}),
       .admits_regression = false},
      {.name = "amco",
       .title = "AMCo",
       .source = "ICASSP 2023",
       .fusions = split,
       .grid = values_of("ramp", {0.3, 0.6, 1.0}),
       .admits_regression = false},
      {.name = "qmf",
       .title = "QMF",
       .source = "ICML 2023",
       .fusions = {"energy-weighted"},
       .readout = "authors",
       .grid = values_of("rank_weight", {1.0, 0.1, 0.3}),
       .admits_regression = false},
      {.name = "greedy",
       .title = "Greedy (balanced learning speeds)",
       .source = "arXiv:2202.05306",
       .fusions = {"cross-excitation"},
       .grid = values_of("threshold", {0.01, 0.001, 0.1})},
  };
  return entries;
}

/// What is tried on validation: a method's settings, each at the dataset's learning rate and at twice that. A rate that
/// only some methods may choose would decide between them.
[[nodiscard]] inline std::vector<nlohmann::json> tuning_grid(const MethodEntry& entry) {
  auto grid = entry.grid;
  if (grid.size() == 1) return grid;
  for (auto point : entry.grid) {
    point["learning_rate_factor"] = 2.0;
    grid.push_back(std::move(point));
  }
  return grid;
}
