// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Optimizers on fused kernels.

#include <g2d/optimizer/optimizer.hpp>  // IWYU pragma: export
#include <g2d/optimizer/settings.hpp>   // IWYU pragma: export
