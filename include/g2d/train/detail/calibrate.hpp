// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/grad_mode.h>
#include <ATen/ops/isfinite.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/train/detail/buffer_guard.hpp>
#include <g2d/train/detail/mode_scope.hpp>
#include <g2d/train/detail/training_mode.hpp>

namespace g2d::detail {

/// A norm layer whose running statistics are still those of a new one. A counter of 0 alone does not tell: files of
/// weights may lack it.
struct UntrainedNorm {
  std::shared_ptr<torch::nn::Module> layer;
  std::function<void(std::optional<double>)> set_momentum;
  std::optional<double> momentum;
};

[[nodiscard]] inline std::vector<UntrainedNorm> untrained_norms(const torch::nn::Module& module) {
  std::vector<UntrainedNorm> found;
  if (is_frozen_by_caller(module)) return found;
  const auto offer = [&](const std::shared_ptr<torch::nn::Module>& layer, auto* norm) {
    if (norm == nullptr || !norm->num_batches_tracked.defined() || is_frozen_by_caller(*layer)) return;
    if (norm->num_batches_tracked.template item<std::int64_t>() > 0) return;
    if (norm->running_mean.ne(0).any().template item<bool>() || norm->running_var.ne(1).any().template item<bool>())
      return;
    found.push_back({layer, [norm](std::optional<double> momentum) { norm->options.momentum(momentum); },
                     norm->options.momentum()});
  };
  for (const auto& child : module.modules()) {
    offer(child, child->template as<torch::nn::BatchNorm1dImpl>());
    offer(child, child->template as<torch::nn::BatchNorm2dImpl>());
    offer(child, child->template as<torch::nn::BatchNorm3dImpl>());
  }
  return found;
}

/// Norm layers in training mode without momentum, so that their statistics are averages over all batches; put back at
/// the end. Lives inside a ModeScope.
class AveragingNorms {
 public:
  explicit AveragingNorms(std::vector<UntrainedNorm> norms) : norms_(std::move(norms)) {
    for (const auto& norm : norms_) {
      norm.layer->train();
      norm.set_momentum(std::nullopt);
    }
  }
  AveragingNorms(const AveragingNorms&) = delete;
  AveragingNorms& operator=(const AveragingNorms&) = delete;
  ~AveragingNorms() {
    for (const auto& norm : norms_) norm.set_momentum(norm.momentum);
  }

 private:
  std::vector<UntrainedNorm> norms_;
};

/// Fits the running statistics of an encoder's untrained norm layers: cumulative averages over the batches, all other
/// layers in evaluation mode, no gradients. What the caller froze is left alone. Gives back whether there was anything
/// to fit. Batches that give features which are not finite do not count; an error changes nothing.
template <class Student, class Batches>
bool calibrate_norm_statistics(const Student& student, std::size_t m, const Batches& batches) {
  auto& module = *student.encoder(m).module();
  auto norms = untrained_norms(module);
  if (norms.empty()) return false;
  at::NoGradGuard no_grad;
  const ModeScope evaluation(module, /*training=*/false);
  const AveragingNorms averaging(std::move(norms));
  BufferGuard before(module.buffers());
  BufferGuard last(module.buffers());
  before.save();
  try {
    for (const auto& next : batches) {
      const auto batch = next();
      last.save();
      const auto features = student.encode(m, batch.inputs[m], batch.present);
      last.restore_if(at::isfinite(features).all().logical_not());
    }
  } catch (...) {
    before.restore();
    throw;
  }
  return true;
}

}  // namespace g2d::detail
