// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <utility>

#include <g2d/encoder/detail/convolve.hpp>

namespace g2d::encoder::detail {

/// y = relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)), with torchvision's names.
class BasicBlock : public torch::nn::Module {
 public:
  /// `downsample` is the shortcut, empty for the identity. It comes ready-made because it draws its numbers before the
  /// block's own layers, but it is registered after them.
  BasicBlock(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride, torch::nn::Sequential downsample)
      : conv1_(register_module("conv1", convolution(in_channels, out_channels, stride))),
        bn1_(register_module("bn1", torch::nn::BatchNorm2d(out_channels))),
        conv2_(register_module("conv2", convolution(out_channels, out_channels, 1))),
        bn2_(register_module("bn2", torch::nn::BatchNorm2d(out_channels))),
        downsample_(std::move(downsample)) {
    if (downsample_) register_module("downsample", downsample_);
  }

  at::Tensor forward(const at::Tensor& x) {
    const auto inner = bn1_(convolve(conv1_, x)).relu_();
    auto sum = bn2_(convolve(conv2_, inner));
    sum += downsample_ ? downsample_->forward(x) : x;
    return sum.relu_();
  }

 private:
  static torch::nn::Conv2d convolution(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride) {
    return torch::nn::Conv2d(
        torch::nn::Conv2dOptions(in_channels, out_channels, 3).stride(stride).padding(1).bias(false));
  }

  torch::nn::Conv2d conv1_;
  torch::nn::BatchNorm2d bn1_;
  torch::nn::Conv2d conv2_;
  torch::nn::BatchNorm2d bn2_;
  torch::nn::Sequential downsample_;
};

}  // namespace g2d::encoder::detail
