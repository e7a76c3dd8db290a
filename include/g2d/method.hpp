// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Methods: policies on hooks, and how they are stacked.

#include <g2d/method/agm.hpp>                 // IWYU pragma: export
#include <g2d/method/amco.hpp>                // IWYU pragma: export
#include <g2d/method/any.hpp>                 // IWYU pragma: export
#include <g2d/method/cml.hpp>                 // IWYU pragma: export
#include <g2d/method/concept.hpp>             // IWYU pragma: export
#include <g2d/method/context.hpp>             // IWYU pragma: export
#include <g2d/method/control.hpp>             // IWYU pragma: export
#include <g2d/method/distillation.hpp>        // IWYU pragma: export
#include <g2d/method/g2d.hpp>                 // IWYU pragma: export
#include <g2d/method/gradient_blending.hpp>   // IWYU pragma: export
#include <g2d/method/gradient_view.hpp>       // IWYU pragma: export
#include <g2d/method/greedy.hpp>              // IWYU pragma: export
#include <g2d/method/joint_training.hpp>      // IWYU pragma: export
#include <g2d/method/lfm.hpp>                 // IWYU pragma: export
#include <g2d/method/mbsd.hpp>                // IWYU pragma: export
#include <g2d/method/mla.hpp>                 // IWYU pragma: export
#include <g2d/method/mm_cosine.hpp>           // IWYU pragma: export
#include <g2d/method/mm_pareto.hpp>           // IWYU pragma: export
#include <g2d/method/mses.hpp>                // IWYU pragma: export
#include <g2d/method/mslr.hpp>                // IWYU pragma: export
#include <g2d/method/needs.hpp>               // IWYU pragma: export
#include <g2d/method/ogm.hpp>                 // IWYU pragma: export
#include <g2d/method/opm.hpp>                 // IWYU pragma: export
#include <g2d/method/outputs.hpp>             // IWYU pragma: export
#include <g2d/method/pmr.hpp>                 // IWYU pragma: export
#include <g2d/method/prioritization.hpp>      // IWYU pragma: export
#include <g2d/method/qmf.hpp>                 // IWYU pragma: export
#include <g2d/method/recon_boost.hpp>         // IWYU pragma: export
#include <g2d/method/relearning.hpp>          // IWYU pragma: export
#include <g2d/method/stack.hpp>               // IWYU pragma: export
#include <g2d/method/supervised.hpp>          // IWYU pragma: export
#include <g2d/method/term.hpp>                // IWYU pragma: export
#include <g2d/method/umt.hpp>                 // IWYU pragma: export
#include <g2d/method/uniform_multi_task.hpp>  // IWYU pragma: export
#include <g2d/method/valuation.hpp>           // IWYU pragma: export
#include <g2d/method/window.hpp>              // IWYU pragma: export
