// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <g2d/core/per_modality.hpp>

namespace g2d {

/// What training has cost so far, counted in samples of the batches that went through each encoder; those that lack its
/// modality count too, for nobody waits to know how many they are.
struct Work {
  PerModality<std::int64_t> forwards;  ///< With or without a graph, those of a method's own passes included.
  PerModality<std::int64_t> backwards;
  std::int64_t updates = 0;  ///< Of the optimizer.
};

}  // namespace g2d
