// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Tasks: the supervised loss, the target's check, and what confident means.

#include <g2d/task/classification.hpp>  // IWYU pragma: export
#include <g2d/task/concept.hpp>         // IWYU pragma: export
#include <g2d/task/multi_label.hpp>     // IWYU pragma: export
#include <g2d/task/regression.hpp>      // IWYU pragma: export
