// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Datasets, order and batches. What reads files of a format is in g2d/io, what changes a sample in g2d/transform, the
/// datasets of the literature in g2d/dataset; all three are included by name.

#include <g2d/data/any.hpp>              // IWYU pragma: export
#include <g2d/data/batch_order.hpp>      // IWYU pragma: export
#include <g2d/data/batch_stream.hpp>     // IWYU pragma: export
#include <g2d/data/capabilities.hpp>     // IWYU pragma: export
#include <g2d/data/concatenation.hpp>    // IWYU pragma: export
#include <g2d/data/concept.hpp>          // IWYU pragma: export
#include <g2d/data/held_out.hpp>         // IWYU pragma: export
#include <g2d/data/in_memory.hpp>        // IWYU pragma: export
#include <g2d/data/load_in_memory.hpp>   // IWYU pragma: export
#include <g2d/data/map.hpp>              // IWYU pragma: export
#include <g2d/data/modality_drop.hpp>    // IWYU pragma: export
#include <g2d/data/modality_reader.hpp>  // IWYU pragma: export
#include <g2d/data/readable_rows.hpp>    // IWYU pragma: export
#include <g2d/data/sample_id.hpp>        // IWYU pragma: export
#include <g2d/data/samples.hpp>          // IWYU pragma: export
#include <g2d/data/single_modality.hpp>  // IWYU pragma: export
#include <g2d/data/split_at_random.hpp>  // IWYU pragma: export
#include <g2d/data/split_by_class.hpp>   // IWYU pragma: export
#include <g2d/data/split_by_group.hpp>   // IWYU pragma: export
#include <g2d/data/splits.hpp>           // IWYU pragma: export
#include <g2d/data/streaming.hpp>        // IWYU pragma: export
#include <g2d/data/subset.hpp>           // IWYU pragma: export
#include <g2d/data/to_device.hpp>        // IWYU pragma: export
