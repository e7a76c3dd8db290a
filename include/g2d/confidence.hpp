// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Confidence: how sure the teachers are, and the order that gives.

#include <g2d/confidence/check.hpp>   // IWYU pragma: export
#include <g2d/confidence/order.hpp>   // IWYU pragma: export
#include <g2d/confidence/ratios.hpp>  // IWYU pragma: export
