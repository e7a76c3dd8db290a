// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Suppression: how strongly a modality is held back.

#include <g2d/suppression/complete.hpp>          // IWYU pragma: export
#include <g2d/suppression/concept.hpp>           // IWYU pragma: export
#include <g2d/suppression/norm_statistics.hpp>   // IWYU pragma: export
#include <g2d/suppression/parameter_filter.hpp>  // IWYU pragma: export
#include <g2d/suppression/partial.hpp>           // IWYU pragma: export
#include <g2d/suppression/zeroed_gradients.hpp>  // IWYU pragma: export
