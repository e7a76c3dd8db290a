// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// What a trained student has learnt: probes, contributions, subsets, noise, alignment with teachers.

#include <g2d/analysis/alignment.hpp>                // IWYU pragma: export
#include <g2d/analysis/collect_features.hpp>         // IWYU pragma: export
#include <g2d/analysis/conditional_utilization.hpp>  // IWYU pragma: export
#include <g2d/analysis/evaluate_subsets.hpp>         // IWYU pragma: export
#include <g2d/analysis/evaluate_under_noise.hpp>     // IWYU pragma: export
#include <g2d/analysis/features.hpp>                 // IWYU pragma: export
#include <g2d/analysis/imbalance_degree.hpp>         // IWYU pragma: export
#include <g2d/analysis/labelled_features.hpp>        // IWYU pragma: export
#include <g2d/analysis/linear_cka.hpp>               // IWYU pragma: export
#include <g2d/analysis/linear_probe.hpp>             // IWYU pragma: export
#include <g2d/analysis/mean_cosine.hpp>              // IWYU pragma: export
#include <g2d/analysis/principal_components.hpp>     // IWYU pragma: export
#include <g2d/analysis/procrustes_distance.hpp>      // IWYU pragma: export
#include <g2d/analysis/shapley_values.hpp>           // IWYU pragma: export
#include <g2d/analysis/subset_game.hpp>              // IWYU pragma: export
