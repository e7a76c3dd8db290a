// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <g2d/recipe/describe.hpp>
#include <g2d/recipe/make_method.hpp>
#include <g2d/recipe/models.hpp>
#include <g2d/recipe/official_code.hpp>
#include <g2d/recipe/paper.hpp>
#include <g2d/recipe/recipe.hpp>
#include <g2d/recipe/trainer_options.hpp>
