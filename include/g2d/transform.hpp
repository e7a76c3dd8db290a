// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Transforms of single samples. Resampling (g2d/transform/resample.hpp) needs g2d::audio and is included by name.

#include <g2d/transform/any.hpp>                  // IWYU pragma: export
#include <g2d/transform/center_crop.hpp>          // IWYU pragma: export
#include <g2d/transform/chain.hpp>                // IWYU pragma: export
#include <g2d/transform/clip.hpp>                 // IWYU pragma: export
#include <g2d/transform/concept.hpp>              // IWYU pragma: export
#include <g2d/transform/crop.hpp>                 // IWYU pragma: export
#include <g2d/transform/horizontal_flip.hpp>      // IWYU pragma: export
#include <g2d/transform/mel_spectrogram.hpp>      // IWYU pragma: export
#include <g2d/transform/normalize.hpp>            // IWYU pragma: export
#include <g2d/transform/one_hot.hpp>              // IWYU pragma: export
#include <g2d/transform/padding.hpp>              // IWYU pragma: export
#include <g2d/transform/place.hpp>                // IWYU pragma: export
#include <g2d/transform/random_crop.hpp>          // IWYU pragma: export
#include <g2d/transform/random_resized_crop.hpp>  // IWYU pragma: export
#include <g2d/transform/replace_non_finite.hpp>   // IWYU pragma: export
#include <g2d/transform/resize.hpp>               // IWYU pragma: export
#include <g2d/transform/resize_shorter_side.hpp>  // IWYU pragma: export
#include <g2d/transform/spectrogram.hpp>          // IWYU pragma: export
#include <g2d/transform/standardize.hpp>          // IWYU pragma: export
#include <g2d/transform/table_scaler.hpp>         // IWYU pragma: export
#include <g2d/transform/tile.hpp>                 // IWYU pragma: export
#include <g2d/transform/to_float.hpp>             // IWYU pragma: export
#include <g2d/transform/truncate.hpp>             // IWYU pragma: export
