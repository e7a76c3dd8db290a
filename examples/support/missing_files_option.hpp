// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <map>
#include <string>

#include <g2d/dataset/missing_files.hpp>

/// --missing-files, for datasets of many files.
inline void add_missing_files_option(CLI::App& app, g2d::dataset::MissingFiles& choice) {
  using g2d::dataset::MissingFiles;
  const std::map<std::string, MissingFiles> choices{{"refuse", MissingFiles::Refuse}, {"drop", MissingFiles::Drop}};
  app.add_option("--missing-files", choice, "samples whose files are not there: refuse, or drop them with a warning")
      ->transform(CLI::CheckedTransformer(choices))->group("Data")->default_str("refuse");
}
