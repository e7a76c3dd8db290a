// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace g2d::suppression {

/// Which parameters of a modality a policy touches. Default: all parameters of its encoder.
struct ParameterFilter {
  bool convolutions_only = false;  ///< Only tensors of four dimensions: the authors' code, and OGM's.
  bool with_head = false;          ///< Also the modality's own head in the fusion.

  [[nodiscard]] constexpr bool admits(std::int64_t dimensions) const { return !convolutions_only || dimensions == 4; }
};

}  // namespace g2d::suppression
