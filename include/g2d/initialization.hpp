// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// How weights begin.

#include <g2d/initialization/authors_code.hpp>  // IWYU pragma: export
#include <g2d/initialization/concept.hpp>       // IWYU pragma: export
#include <g2d/initialization/default.hpp>       // IWYU pragma: export
