// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

/// Encoders: any torch::nn::Module, and a few that are ready.

#include <g2d/encoder/activation.hpp>   // IWYU pragma: export
#include <g2d/encoder/concept.hpp>      // IWYU pragma: export
#include <g2d/encoder/encoder.hpp>      // IWYU pragma: export
#include <g2d/encoder/gru.hpp>          // IWYU pragma: export
#include <g2d/encoder/mlp.hpp>          // IWYU pragma: export
#include <g2d/encoder/precision.hpp>    // IWYU pragma: export
#include <g2d/encoder/resnet18.hpp>     // IWYU pragma: export
#include <g2d/encoder/small_cnn.hpp>    // IWYU pragma: export
#include <g2d/encoder/transformer.hpp>  // IWYU pragma: export
