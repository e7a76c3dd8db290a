// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <CLI/CLI.hpp>

#include <optional>
#include <string>

#include "settings.hpp"

/// Adds the options that all trainers share; the settings given are their defaults.
void add_options(CLI::App& app, Settings& settings);

/// Parses the command line, and the file of --config. Prints help, errors (with the nearest option for an unknown one)
/// and --print-config itself. Returns the exit status when the program is to end, nothing when it is to run.
[[nodiscard]] std::optional<int> parse(CLI::App& app, int argc, char** argv);

/// All options with their values, as lines that --config reads.
[[nodiscard]] std::string config_text(const CLI::App& app);

/// Little of everything: a run of seconds.
void shrink(Settings& settings);
