// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/nll_loss_nd.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/softmax.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>

#include <g2d/core/device_constant.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/output_kind.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/core/shared_log_softmax.hpp>
#include <g2d/task/concept.hpp>

namespace g2d::task {

struct ClassificationOptions {
  at::Tensor class_weights = {};  ///< [C], or undefined: every class counts the same.
  double label_smoothing = 0.0;   ///< In [0, 1).
};

/// One of C classes.
///
///     loss = cross_entropy(logits, y)      confidence_i = softmax(logits_i)[y_i]
///
/// Use when   every sample has one true class. Two classes are two outputs.
/// Shapes     output: logits [B, C]; target: int64 [B] in [0, C); loss: scalar; confidence: [B].
/// Dtype      logits floating; one device; no transfers, but for the class weights once for each device and dtype.
///            Labels are read only when they are in host memory.
/// Units      nats. With class weights the loss is the weighted mean, as in PyTorch.
/// Cost       O(B C).
/// Errors     ConfigError for smoothing outside [0, 1); ShapeError for a wrong dtype or rank; DataError for a label out
///            of range. Labels on an accelerator are not read in a step; `Trainer::fit` checks the whole dataset once.
/// Source     arXiv:2506.21514, supervised loss and rho.
/// Reference  g2d/reference/task/classification.hpp
class Classification {
 public:
  static constexpr OutputKind output_kind = OutputKind::Classes;

  explicit Classification(ClassificationOptions options = {})
      : options_(std::move(options)), class_weights_(options_.class_weights) {
    if (!(options_.label_smoothing >= 0.0 && options_.label_smoothing < 1.0)) {
      throw ConfigError(fmt::format("g2d: task::Classification: expected label_smoothing in [0, 1), got {}",
                                    options_.label_smoothing));
    }
  }

  /// `shared` saves the log-softmax where another term has computed it.
  [[nodiscard]] at::Tensor loss(const at::Tensor& output, const at::Tensor& target,
                                const SharedLogSoftmax& shared = {}) const {
    if (options_.label_smoothing == 0.0)
      return at::nll_loss_nd(shared.of(output), target, weights_like(output), at::Reduction::Mean, ignored_label);
    return at::cross_entropy_loss(output, target, weights_like(output), at::Reduction::Mean, ignored_label,
                                  options_.label_smoothing);
  }

  [[nodiscard]] at::Tensor sample_losses(const at::Tensor& output, const at::Tensor& target) const {
    return at::cross_entropy_loss(output, target, weights_like(output), at::Reduction::None, ignored_label,
                                  options_.label_smoothing);
  }
  [[nodiscard]] at::Tensor sample_weights(const at::Tensor& output, const at::Tensor& target) const {
    return class_weights_.defined() ? class_weights_.like(output).index_select(0, target)
                                    : at::ones(target.sizes(), output.options().requires_grad(false));
  }

  [[nodiscard]] at::Tensor confidence(const at::Tensor& output, const at::Tensor& target) const {
    const auto logits = output.detach();
    if (logits.is_cpu() && logits.size(1) < num_lanes)
      return at::softmax(logits.t(), 0).gather(0, target.unsqueeze(0)).squeeze(0);
    return at::softmax(logits, 1).gather(1, target.unsqueeze(1)).squeeze(1);
  }

  void check(std::int64_t num_outputs, const at::Tensor& target) const {
    if (target.dim() != 1 || target.scalar_type() != at::kLong) {
      throw ShapeError(fmt::format("g2d: task::Classification: expected target int64 [B], got {} {}",
                                   c10::toString(target.scalar_type()), to_string(target.sizes())));
    }
    if (options_.class_weights.defined() && options_.class_weights.numel() != num_outputs) {
      throw ConfigError(fmt::format("g2d: task::Classification: expected class_weights [{}], got {}", num_outputs,
                                    to_string(options_.class_weights.sizes())));
    }
    if (target.is_cpu()) check_range(num_outputs, target);
  }

 private:
  static constexpr std::int64_t ignored_label = -100;

  [[nodiscard]] std::optional<at::Tensor> weights_like(const at::Tensor& output) const {
    return class_weights_.defined() ? std::optional(class_weights_.like(output)) : std::nullopt;
  }

  /// Of AVX-512 in float32. LibTorch's softmax along rows that are shorter takes six times as long as one along
  /// columns.
  static constexpr std::int64_t num_lanes = 16;

  static void check_range(std::int64_t num_classes, const at::Tensor& target) {
    const auto labels = target.contiguous().resolve_neg();
    const auto* first = labels.const_data_ptr<std::int64_t>();
    const auto [low, high] = std::ranges::minmax(std::span(first, static_cast<std::size_t>(labels.numel())));
    if (low < 0 || high >= num_classes) {
      throw DataError(fmt::format("g2d: task::Classification: expected labels in [0, {}), got {}", num_classes,
                                  low < 0 ? low : high));
    }
  }

  ClassificationOptions options_;
  DeviceConstant class_weights_;
};

static_assert(TaskPolicy<Classification> && SplitsBySample<Classification>);

}  // namespace g2d::task
