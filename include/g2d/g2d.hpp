// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Everything on the LibTorch side. Include single headers, or one family, where compile time counts.

#include <g2d/analysis.hpp>        // IWYU pragma: export
#include <g2d/confidence.hpp>      // IWYU pragma: export
#include <g2d/data.hpp>            // IWYU pragma: export
#include <g2d/distillation.hpp>    // IWYU pragma: export
#include <g2d/encoder.hpp>         // IWYU pragma: export
#include <g2d/fusion.hpp>          // IWYU pragma: export
#include <g2d/initialization.hpp>  // IWYU pragma: export
#include <g2d/learning_rate.hpp>   // IWYU pragma: export
#include <g2d/method.hpp>          // IWYU pragma: export
#include <g2d/metrics.hpp>         // IWYU pragma: export
#include <g2d/optimizer.hpp>       // IWYU pragma: export
#include <g2d/readout.hpp>         // IWYU pragma: export
#include <g2d/recipe.hpp>          // IWYU pragma: export
#include <g2d/report.hpp>          // IWYU pragma: export
#include <g2d/schedule.hpp>        // IWYU pragma: export
#include <g2d/suppression.hpp>     // IWYU pragma: export
#include <g2d/task.hpp>            // IWYU pragma: export
#include <g2d/teacher.hpp>         // IWYU pragma: export
#include <g2d/train.hpp>           // IWYU pragma: export
#include <g2d/transform.hpp>       // IWYU pragma: export
#include <g2d/version.hpp>         // IWYU pragma: export
