// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

#include <g2d/core/per_modality.hpp>

namespace g2d {

/// What training has cost so far, counted in samples that went through each encoder.
struct Work {
  PerModality<std::int64_t> forwards;  ///< With or without a graph, those of a method's own passes included.
  PerModality<std::int64_t> backwards;
  std::int64_t updates = 0;  ///< Of the optimizer.
};

}  // namespace g2d
