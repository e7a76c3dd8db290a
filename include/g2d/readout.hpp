// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Readouts: what each modality would have said alone.

#include <g2d/readout/any.hpp>             // IWYU pragma: export
#include <g2d/readout/authors.hpp>         // IWYU pragma: export
#include <g2d/readout/auto.hpp>            // IWYU pragma: export
#include <g2d/readout/concept.hpp>         // IWYU pragma: export
#include <g2d/readout/exact_split.hpp>     // IWYU pragma: export
#include <g2d/readout/masked_forward.hpp>  // IWYU pragma: export
#include <g2d/readout/own_heads.hpp>       // IWYU pragma: export
