// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Schedules: when a modality learns.

#include <g2d/schedule/batchwise.hpp>   // IWYU pragma: export
#include <g2d/schedule/concept.hpp>     // IWYU pragma: export
#include <g2d/schedule/joint.hpp>       // IWYU pragma: export
#include <g2d/schedule/order.hpp>       // IWYU pragma: export
#include <g2d/schedule/sequential.hpp>  // IWYU pragma: export
#include <g2d/schedule/stage.hpp>       // IWYU pragma: export
