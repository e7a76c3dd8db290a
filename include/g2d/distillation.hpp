// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Distillation: how far the student is from the teacher.

#include <g2d/distillation/any.hpp>                   // IWYU pragma: export
#include <g2d/distillation/bernoulli_kl.hpp>          // IWYU pragma: export
#include <g2d/distillation/concept.hpp>               // IWYU pragma: export
#include <g2d/distillation/connector/concept.hpp>     // IWYU pragma: export
#include <g2d/distillation/connector/identity.hpp>    // IWYU pragma: export
#include <g2d/distillation/connector/projection.hpp>  // IWYU pragma: export
#include <g2d/distillation/cosine.hpp>                // IWYU pragma: export
#include <g2d/distillation/kl.hpp>                    // IWYU pragma: export
#include <g2d/distillation/kl_options.hpp>            // IWYU pragma: export
#include <g2d/distillation/mean_to_each.hpp>          // IWYU pragma: export
#include <g2d/distillation/mse.hpp>                   // IWYU pragma: export
#include <g2d/distillation/none.hpp>                  // IWYU pragma: export
#include <g2d/distillation/weight.hpp>                // IWYU pragma: export
