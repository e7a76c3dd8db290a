// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>

#include <g2d/analysis/labelled_features.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d::analysis {

/// The features of a whole dataset, rows in its order, on the model's device.
struct Features {
  PerModality<at::Tensor> encoded;    ///< M [N, D_m]: the encoders'.
  PerModality<at::Tensor> handed_on;  ///< M [N, H_m]: what the fusion hands on, to feature distillation above all.
  at::Tensor target;
  at::Tensor sample_ids;  ///< int64 [N] in host memory; undefined for a dataset without ids for all of them.
  at::Tensor present;     ///< bool [N, M]; undefined when every sample has every modality.

  [[nodiscard]] std::int64_t size() const { return target.size(0); }

  /// The samples that have modality m, for a probe.
  [[nodiscard]] LabelledFeatures labelled(std::size_t m) const {
    if (!present.defined()) return {encoded[m], target};
    const auto rows = present.select(1, static_cast<std::int64_t>(m)).nonzero().squeeze(1);
    return {encoded[m].index_select(0, rows), target.index_select(0, rows)};
  }
};

}  // namespace g2d::analysis
