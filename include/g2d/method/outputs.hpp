// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/per_modality.hpp>
#include <g2d/core/shared_log_softmax.hpp>

namespace g2d::method {

/// What the student says about one batch.
struct Outputs {
  PerModality<at::Tensor> features;   ///< What the fusion hands on, M tensors [B, D_m].
  at::Tensor fused;                   ///< [B, C].
  PerModality<at::Tensor> unimodal;   ///< M tensors [B, C]; empty unless a policy or an observer asks for them.
  at::Tensor keep_rows;               ///< Rows of the batch that a forward hook kept, int64; undefined: all of them.
  PerModality<at::Tensor> encoded;    ///< The encoders' features, before the fusion; M tensors [B, D_m].
  SharedLogSoftmax log_softmax = {};  ///< Of `fused`, for all terms that need it.

  /// The kept rows of something that has one for each sample of the batch; undefined stays undefined.
  [[nodiscard]] at::Tensor kept(const at::Tensor& rows) const {
    return rows.defined() && keep_rows.defined() ? rows.index_select(0, keep_rows) : rows;
  }
};

}  // namespace g2d::method
