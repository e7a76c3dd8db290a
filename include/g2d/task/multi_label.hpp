// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstdint>
#include <optional>

#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::task {

/// C independent yes/no labels.
///
///     loss = mean over B and C of BCE(sigmoid(logit), y)      confidence_i = mean_c P(bit c of sample i is y_ic)
///
/// Use when   a sample may have several labels, or none.
/// Shapes     output: logits [B, C]; target: [B, C] of 0 and 1, of the logits' dtype; loss: scalar; confidence: [B].
/// Dtype      floating, one dtype and one device; no transfers.
/// Units      nats.
/// Cost       O(B C).
/// Errors     ShapeError for a wrong rank, width or dtype. DataError for host targets outside [0, 1].
/// Source     ours: the paper has no multi-label task.
/// Reference  g2d/reference/task/multi_label.hpp
class MultiLabel {
 public:
  static constexpr OutputKind output_kind = OutputKind::Labels;

  [[nodiscard]] at::Tensor loss(const at::Tensor& output, const at::Tensor& target) const {
    return at::binary_cross_entropy_with_logits(output, target, std::nullopt, std::nullopt, at::Reduction::Mean);
  }

  [[nodiscard]] at::Tensor sample_losses(const at::Tensor& output, const at::Tensor& target) const {
    return at::binary_cross_entropy_with_logits(output, target, std::nullopt, std::nullopt, at::Reduction::None)
        .mean(1);
  }
  [[nodiscard]] at::Tensor sample_weights(const at::Tensor& output, const at::Tensor& target) const {
    return at::ones({target.size(0)}, output.options().requires_grad(false));
  }

  [[nodiscard]] at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const {
    const auto yes = output.detach().sigmoid();
    const auto no = output.detach().neg().sigmoid();
    return at::where(target.gt(0.5), yes, no).mean(1);
  }

  void check(std::int64_t num_outputs, const at::Tensor& target) const {
    check_matrix(target, -1, num_outputs, "task::MultiLabel: target");
    if (!target.is_floating_point()) {
      throw ShapeError(fmt::format("g2d: task::MultiLabel: expected a floating target of 0 and 1, got {}",
                                   c10::toString(target.scalar_type())));
    }
    // Asked the other way round NaN would pass.
    if (target.is_cpu() && !target.ge(0).logical_and(target.le(1)).all().item<bool>()) {
      throw DataError("g2d: task::MultiLabel: expected targets in [0, 1], got values outside");
    }
  }
};

static_assert(TaskPolicy<MultiLabel> && SplitsBySample<MultiLabel>);

}  // namespace g2d::task
