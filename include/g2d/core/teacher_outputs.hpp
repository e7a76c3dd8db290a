// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include <g2d/core/per_modality.hpp>

namespace g2d {

/// What the frozen teachers say about one batch, rows in the batch's order.
struct TeacherOutputs {
  PerModality<at::Tensor> features = {};  ///< M tensors [B, D_m].
  PerModality<at::Tensor> logits = {};    ///< M tensors [B, C].
  at::Tensor confidence = {};             ///< [B, M]: the task's confidence of every sample; in host memory when precomputed.
};

/// What is known of the teachers before the first step.
struct TeacherSummary {
  PerModality<std::int64_t> feature_widths = {};
  std::int64_t num_outputs = 0;
  PerModality<double> confidence = {};  ///< rho_m, by the measure that the user chose.
};

}  // namespace g2d
