// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <string>

#include <g2d/dataset/missing_files.hpp>

/// --missing-files, for datasets of many files.
inline void add_missing_files_option(CLI::App& app, g2d::dataset::MissingFiles& choice) {
  using g2d::dataset::MissingFiles;
  const auto choose = [&choice](const std::string& name) {
    choice = name == "drop" ? MissingFiles::Drop : MissingFiles::Refuse;
  };
  app.add_option_function<std::string>("--missing-files", choose,
                                       "samples whose files are not there: refuse, or drop them with a warning")
      ->check(CLI::IsMember({"refuse", "drop"}))
      ->group("Data")
      ->default_str("refuse");
}
