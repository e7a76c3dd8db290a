// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstdint>
#include <vector>

#include <g2d/core/per_modality.hpp>

namespace g2d::detail {

/// What a teacher cache holds of N samples.
struct CachedTensors {
  at::Tensor ids = {};                  ///< int64 [N].
  at::Tensor confidence = {};           ///< float64 [N, M], `absent` where a sample lacks the modality.
  std::vector<at::Tensor> tables = {};  ///< Of each teacher, [N, D_m + C].

  static constexpr double absent = -1.0;  ///< No confidence: those are in [0, 1].

  /// Not filled; ids and confidence in host memory, tables where and of what `options` say.
  [[nodiscard]] static CachedTensors make(std::int64_t num_samples, const PerModality<std::int64_t>& widths,
                                          const at::TensorOptions& options) {
    CachedTensors tensors{at::empty({num_samples}, at::kLong),
                          at::empty({num_samples, static_cast<std::int64_t>(widths.size())}, at::kDouble)};
    for (const auto width : widths) tensors.tables.push_back(at::empty({num_samples, width}, options));
    return tensors;
  }

  /// The samples from `first` on: views.
  [[nodiscard]] CachedTensors rows(std::int64_t first, std::int64_t count) const {
    CachedTensors rows{ids.narrow(0, first, count), confidence.narrow(0, first, count)};
    for (const auto& table : tables) rows.tables.push_back(table.narrow(0, first, count));
    return rows;
  }
};

}  // namespace g2d::detail
