// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// What the suite says of a method, and how it is set up.
struct MethodEntry {
  /// What becomes of the teachers' models before training.
  enum class Start {
    New,             ///< Nothing: the student is new.
    Ensemble,        ///< They are the student, and nothing is trained.
    FrozenTeachers,  ///< Their encoders are the student's, frozen under a new fusion.
  };

  std::string name;
  std::string title;
  std::string source;
  std::vector<std::string> fusions;  ///< Admitted, its own first.
  std::string readout = "auto";
  std::vector<nlohmann::json> grid;  ///< Its settings to choose from, its paper's first; see `tuning_grid`.
  bool needs_teachers = false;
  bool admits_regression = true;
  std::vector<std::size_t> modality_counts = {};  ///< Empty: any.
  Start start = Start::New;
};
