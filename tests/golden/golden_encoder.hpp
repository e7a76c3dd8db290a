// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>

namespace g2d_test {

/// The backbone of the golden cases: two strided convolutions and a norm, then the mean over positions and frames.
/// Images [B, C, H, W] or videos [B, C, T, H, W] become features [B, D].
class GoldenEncoder : public torch::nn::Module {
 public:
  GoldenEncoder(std::int64_t in_channels, std::int64_t hidden_channels, std::int64_t feature_width) {
    conv1_ = register_module("conv1", convolution(in_channels, hidden_channels));
    bn1_ = register_module("bn1", torch::nn::BatchNorm2d(hidden_channels));
    conv2_ = register_module("conv2", convolution(hidden_channels, feature_width));
  }

  at::Tensor forward(const at::Tensor& x) {
    if (x.dim() == 4) return encode(x);
    const auto frames = x.transpose(1, 2);
    return encode(frames.flatten(0, 1)).unflatten(0, {x.size(0), x.size(2)}).mean(1);
  }

  [[nodiscard]] std::int64_t feature_width() const { return conv2_->weight.size(0); }

 private:
  static torch::nn::Conv2d convolution(std::int64_t in_channels, std::int64_t out_channels) {
    return torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels, out_channels, 3).stride(2).padding(1).bias(false));
  }

  at::Tensor encode(const at::Tensor& images) { return conv2_(bn1_(conv1_(images)).relu()).mean({2, 3}); }

  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  torch::nn::Conv2d conv2_{nullptr};
};

}  // namespace g2d_test
