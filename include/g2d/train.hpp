// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Student, Step and Trainer.

#include <g2d/train/cross_fit.hpp>        // IWYU pragma: export
#include <g2d/train/ensemble.hpp>         // IWYU pragma: export
#include <g2d/train/evaluate.hpp>         // IWYU pragma: export
#include <g2d/train/observer.hpp>         // IWYU pragma: export
#include <g2d/train/progress_bar.hpp>     // IWYU pragma: export
#include <g2d/train/step.hpp>             // IWYU pragma: export
#include <g2d/train/step_options.hpp>     // IWYU pragma: export
#include <g2d/train/student.hpp>          // IWYU pragma: export
#include <g2d/train/train_teacher.hpp>    // IWYU pragma: export
#include <g2d/train/trainer.hpp>          // IWYU pragma: export
#include <g2d/train/trainer_options.hpp>  // IWYU pragma: export
