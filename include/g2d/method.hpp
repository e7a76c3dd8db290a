// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Methods: policies on hooks, and how they are stacked.

#include <g2d/method/any.hpp>  // IWYU pragma: export
#include <g2d/method/concept.hpp>  // IWYU pragma: export
#include <g2d/method/context.hpp>  // IWYU pragma: export
#include <g2d/method/control.hpp>  // IWYU pragma: export
#include <g2d/method/distillation.hpp>  // IWYU pragma: export
#include <g2d/method/g2d.hpp>  // IWYU pragma: export
#include <g2d/method/gradient_view.hpp>  // IWYU pragma: export
#include <g2d/method/joint_training.hpp>  // IWYU pragma: export
#include <g2d/method/ogm.hpp>  // IWYU pragma: export
#include <g2d/method/outputs.hpp>  // IWYU pragma: export
#include <g2d/method/prioritization.hpp>  // IWYU pragma: export
#include <g2d/method/stack.hpp>  // IWYU pragma: export
#include <g2d/method/supervised.hpp>  // IWYU pragma: export
#include <g2d/method/term.hpp>  // IWYU pragma: export
#include <g2d/method/uniform_multi_task.hpp>  // IWYU pragma: export
#include <g2d/method/window.hpp>  // IWYU pragma: export
