// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Fusions: M feature matrices become one output.

#include <g2d/fusion/any.hpp>                   // IWYU pragma: export
#include <g2d/fusion/boosted.hpp>               // IWYU pragma: export
#include <g2d/fusion/concat.hpp>                // IWYU pragma: export
#include <g2d/fusion/concept.hpp>               // IWYU pragma: export
#include <g2d/fusion/conditioning_options.hpp>  // IWYU pragma: export
#include <g2d/fusion/cosine.hpp>                // IWYU pragma: export
#include <g2d/fusion/cross_excitation.hpp>      // IWYU pragma: export
#include <g2d/fusion/energy_weighted.hpp>       // IWYU pragma: export
#include <g2d/fusion/excitation_gate.hpp>       // IWYU pragma: export
#include <g2d/fusion/film.hpp>                  // IWYU pragma: export
#include <g2d/fusion/fusion_shape.hpp>          // IWYU pragma: export
#include <g2d/fusion/gated.hpp>                 // IWYU pragma: export
#include <g2d/fusion/late.hpp>                  // IWYU pragma: export
#include <g2d/fusion/shared_head.hpp>           // IWYU pragma: export
#include <g2d/fusion/sum.hpp>                   // IWYU pragma: export
