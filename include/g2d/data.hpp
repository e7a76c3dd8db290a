// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Datasets in memory, order and batches. The readers of files (g2d/data/wav.hpp, idx.hpp, ...) need g2d::data and are
/// included by name.

#include <g2d/data/batch_order.hpp>  // IWYU pragma: export
#include <g2d/data/concept.hpp>  // IWYU pragma: export
#include <g2d/data/fingerprint.hpp>  // IWYU pragma: export
#include <g2d/data/in_memory.hpp>  // IWYU pragma: export
#include <g2d/data/single_modality.hpp>  // IWYU pragma: export
#include <g2d/data/subset.hpp>  // IWYU pragma: export
#include <g2d/data/to_device.hpp>  // IWYU pragma: export
