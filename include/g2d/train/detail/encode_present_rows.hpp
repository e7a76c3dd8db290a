// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <memory>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/input.hpp>
#include <g2d/train/detail/buffer_guard.hpp>

namespace g2d::detail {

[[nodiscard]] inline bool has_running_statistics(const torch::nn::Module& module) {
  return module.named_buffers(/*recurse=*/false).contains("running_mean");
}

/// Whether the samples of a batch may depend on each other: a norm layer in training mode, of whatever kind.
[[nodiscard]] inline bool is_any_training(const torch::nn::Module& module) {
  const auto children = module.modules();
  return std::any_of(children.begin(), children.end(), [](const auto& child) { return child->is_training(); });
}

/// Norm layers that are in training mode use their running statistics for as long as it lives, and keep them.
class RunningStatisticsScope {
 public:
  explicit RunningStatisticsScope(const torch::nn::Module& module) {
    for (const auto& child : module.modules()) {
      if (!child->is_training() || !has_running_statistics(*child)) continue;
      child->eval();
      norms_.push_back(child);
    }
  }
  RunningStatisticsScope(const RunningStatisticsScope&) = delete;
  RunningStatisticsScope& operator=(const RunningStatisticsScope&) = delete;
  ~RunningStatisticsScope() {
    for (const auto& norm : norms_) norm->train();
  }

 private:
  std::vector<std::shared_ptr<torch::nn::Module>> norms_;
};

/// The features of one sample by `run()`. A norm layer that takes no statistics of a single value uses its running
/// ones.
template <class Run>
[[nodiscard]] at::Tensor encode_one(const torch::nn::Module& module, const Run& run) {
  BufferGuard buffers(module.buffers());
  buffers.save();
  try {
    return run();
  } catch (const ShapeError&) {
    buffers.restore();
    const RunningStatisticsScope running(module);
    return run();  // An input that fits nowhere fails again.
  }
}

/// The features [B, D] of a batch, by `run(input)` on the samples alone that have the modality, so that the others
/// count in no statistics; zeros for these. Undefined when no sample has it.
///
/// Shapes     present: bool [B].
/// Device     waits for the device of `present`: how many there are decides the shapes.
template <class Run>
[[nodiscard]] at::Tensor encode_present_rows(const torch::nn::Module& module, const Input& input,
                                             const at::Tensor& present, const Run& run) {
  const auto rows = present.nonzero().squeeze(1);
  const auto count = rows.size(0);
  if (count == present.size(0)) return run(input);
  if (count == 0) return {};
  const Input some(input.values.index_select(0, rows),
                   input.lengths.defined() ? input.lengths.index_select(0, rows) : at::Tensor());
  const auto features = count == 1 ? encode_one(module, [&] { return run(some); }) : run(some);
  return features.new_zeros({present.size(0), features.size(1)}).index_copy(0, rows, features);
}

}  // namespace g2d::detail
