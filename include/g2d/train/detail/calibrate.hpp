// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <g2d/core/batch.hpp>
#include <g2d/train/detail/encode_controlled.hpp>
#include <g2d/train/detail/mode_scope.hpp>

namespace g2d::detail {

/// The norm layers of an encoder whose running statistics are still those of a new layer.
template <class Visitor>
void each_untrained(torch::nn::Module& module, Visitor&& visit) {
  const auto offer = [&](auto* norm) {
    if (norm != nullptr && norm->num_batches_tracked.defined() && norm->num_batches_tracked.template item<std::int64_t>() == 0) {
      visit(norm->options);
    }
  };
  for (const auto& child : module.modules()) {
    offer(child->template as<torch::nn::BatchNorm1dImpl>());
    offer(child->template as<torch::nn::BatchNorm2dImpl>());
    offer(child->template as<torch::nn::BatchNorm3dImpl>());
  }
}

/// Fits the running statistics of an encoder's untrained norm layers: cumulative averages over the batches, all other layers
/// in evaluation mode, no gradients. Gives back whether there was anything to fit.
template <class Student, class Batches>
bool calibrate_norm_statistics(const Student& student, std::size_t m, const Batches& batches) {
  auto& module = *student.encoder(m).module();
  std::vector<std::optional<double>> momenta;
  each_untrained(module, [&](auto& options) { momenta.push_back(options.momentum()); });
  if (momenta.empty()) return false;
  // Collected first: the layers count as trained once the first batch has passed.
  std::vector<std::function<void(std::optional<double>)>> set_momentum;
  each_untrained(module, [&](auto& options) {
    set_momentum.push_back([&options](std::optional<double> momentum) { options.momentum(momentum); });
  });
  for (const auto& set : set_momentum) set(std::nullopt);
  {
    at::NoGradGuard no_grad;
    const ModeScope evaluation(module, /*training=*/false);
    use_batch_statistics(module);
    for (const auto& batch : batches) (void)student.encode(m, batch().inputs[m]);
  }
  for (std::size_t i = 0; i < momenta.size(); ++i) set_momentum[i](momenta[i]);
  return true;
}

}  // namespace g2d::detail
