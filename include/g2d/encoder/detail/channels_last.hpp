// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

namespace g2d::encoder::detail {

/// Stores the filters of 2-d convolutions channels-last; values, names and shapes stay. Convolution, norm and pooling
/// then hand the layout on, and gradients have it too. (A copy: strides of one channel would pass for either layout,
/// and count for plain.)
inline void use_channels_last(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) {
    if (parameter.dim() == 4) parameter.set_data(parameter.clone(at::MemoryFormat::ChannelsLast));
  }
}

}  // namespace g2d::encoder::detail
