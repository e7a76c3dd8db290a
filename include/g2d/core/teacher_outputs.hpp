// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include <g2d/core/modality_names.hpp>
#include <g2d/core/per_modality.hpp>

namespace g2d {

/// All teachers of a batch as one: what is left of them in the gradient of their KL terms at one temperature and one
/// weight.
///
///     p = (1/M) sum_m p_m,  p_m = softmax(z^T_m / tau)
struct MeanTeacher {
  at::Tensor probabilities = {};     ///< p, [B, C].
  at::Tensor negative_entropy = {};  ///< (1/M) sum_m sum_c p_mc log p_mc, [B].
};

/// What the frozen teachers say about one batch, rows in the batch's order.
struct TeacherOutputs {
  PerModality<at::Tensor> features = {};  ///< M tensors [B, D_m].
  PerModality<at::Tensor> logits = {};    ///< M tensors [B, C]; none in steps in which nobody hears them.
  at::Tensor confidence = {};  ///< [B, M]: the task's confidence of every sample; in host memory when precomputed.
  MeanTeacher mean = {};       ///< Undefined unless the source keeps it; see TeacherSummary::mean_temperature.
  /// bool [B, M], beside the confidences: which samples have the modality. Only where the batch's own mask may be on
  /// another device.
  at::Tensor present = {};
};

/// What is known of the teachers before the first step.
struct TeacherSummary {
  PerModality<std::int64_t> feature_widths = {};
  std::int64_t num_outputs = 0;
  PerModality<double> confidence = {};          ///< rho_m, by the measure that the user chose.
  std::optional<double> mean_temperature = {};  ///< tau of TeacherOutputs::mean, where the source keeps it.
  /// Of the teachers' modalities, in order; empty: unknown, and taken for the student's.
  std::optional<ModalityNames> names = {};
};

}  // namespace g2d
