// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Named, complete settings: what the paper describes, and what the authors' code does.

#include <g2d/recipe/describe.hpp>         // IWYU pragma: export
#include <g2d/recipe/make_method.hpp>      // IWYU pragma: export
#include <g2d/recipe/models.hpp>           // IWYU pragma: export
#include <g2d/recipe/official_code.hpp>    // IWYU pragma: export
#include <g2d/recipe/paper.hpp>            // IWYU pragma: export
#include <g2d/recipe/recipe.hpp>           // IWYU pragma: export
#include <g2d/recipe/trainer_options.hpp>  // IWYU pragma: export
