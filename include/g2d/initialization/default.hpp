// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>

#include <g2d/core/parameter.hpp>
#include <g2d/initialization/concept.hpp>

namespace g2d::initialization {

/// Leaves the numbers that every layer drew when it was constructed. The do-nothing policy of this axis.
///
/// Use when   in doubt, and always with weights that were loaded.
/// Draws      none.
/// Errors     none.
class Default {
 public:
  void operator()(torch::nn::Module& /*module*/) const {}
  void operator()(const Parameters& /*parameters*/) const {}
};

static_assert(InitializationPolicy<Default>);

}  // namespace g2d::initialization
