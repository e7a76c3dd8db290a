// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include <g2d/core/batch.hpp>
#include <g2d/method/control.hpp>
#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/train/detail/buffer_guard.hpp>
#include <g2d/train/detail/encode_present_rows.hpp>
#include <g2d/train/detail/mode_scope.hpp>

namespace g2d::detail {

/// Layers with running statistics go into training mode, so that they use the batch's.
inline void use_batch_statistics(torch::nn::Module& module) {
  for (const auto& child : module.modules()) {
    if (has_running_statistics(*child)) child->train(true);
  }
}

/// The features of a suppressed modality: evaluation mode, norm layers as the control says, everything put back after.
template <class Student>
[[nodiscard]] at::Tensor encode_suppressed(const Student& student, std::size_t m, const Batch& batch,
                                           const method::Control& control) {
  auto& module = *student.encoder(m).module();
  const ModeScope evaluation(module, /*training=*/false);
  if (control.norm_statistics == suppression::NormStatistics::Frozen) {
    return student.encode(m, batch.inputs[m], batch.present);
  }
  BufferGuard buffers(module.buffers());
  buffers.save();
  use_batch_statistics(module);
  try {
    auto features = student.encode(m, batch.inputs[m], batch.present);
    buffers.restore();
    return features;
  } catch (...) {
    buffers.restore();
    throw;
  }
}

/// The features of modality m under its control: without a graph when it is frozen. `known`: what `encode_present`
/// would give; undefined where the encoder has to be run.
template <class Student>
[[nodiscard]] at::Tensor encode_controlled(const Student& student, std::size_t m, const Batch& batch,
                                           const method::Control& control, const at::Tensor& known) {
  if (control.skipped) return student.no_features(m, batch.size());
  if (known.defined()) {
    const at::AutoGradMode gradients(!control.frozen && at::GradMode::is_enabled());
    return student.replace_absent(m, known, batch.present);
  }
  if (control.norm_statistics == suppression::NormStatistics::Tracked && !control.frozen) {
    return student.encode(m, batch.inputs[m], batch.present);
  }
  const at::AutoGradMode gradients(!control.frozen && at::GradMode::is_enabled());
  return encode_suppressed(student, m, batch, control);
}

}  // namespace g2d::detail
