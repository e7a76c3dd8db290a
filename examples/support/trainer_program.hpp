// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "dataset_choice.hpp"

/// The whole of an example trainer: `program DATASET [options]`.
///
/// Returns    the exit status: 0, 1 after an error, 2 for a wrong command line, 128 + the signal that
///            interrupted it (Ctrl-C: 130, SIGTERM: 143).
int run_trainer(int argc, char** argv, const std::string& summary, const std::vector<DatasetChoice>& choices);
