// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Teachers, their precomputed outputs, and their confidence.

#include <g2d/teacher/confidence_report.hpp>   // IWYU pragma: export
#include <g2d/teacher/measure_confidence.hpp>  // IWYU pragma: export
#include <g2d/teacher/teacher.hpp>             // IWYU pragma: export
#include <g2d/teacher/teacher_cache.hpp>       // IWYU pragma: export
#include <g2d/teacher/teacher_source.hpp>      // IWYU pragma: export
#include <g2d/teacher/teachers.hpp>            // IWYU pragma: export
