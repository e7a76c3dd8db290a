// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Statistics and tables of results.

#include <g2d/report/statistics.hpp>  // IWYU pragma: export
#include <g2d/report/text_table.hpp>  // IWYU pragma: export
