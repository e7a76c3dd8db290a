// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Metrics over a whole dataset.

#include <g2d/metrics/classification.hpp>  // IWYU pragma: export
#include <g2d/metrics/measure.hpp>         // IWYU pragma: export
#include <g2d/metrics/metric.hpp>          // IWYU pragma: export
#include <g2d/metrics/multi_label.hpp>     // IWYU pragma: export
#include <g2d/metrics/regression.hpp>      // IWYU pragma: export
