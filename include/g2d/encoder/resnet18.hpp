// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/max_pool2d.h>
#include <fmt/format.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>
#include <memory>
#include <utility>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/encoder/concept.hpp>
#include <g2d/encoder/detail/basic_block.hpp>
#include <g2d/encoder/detail/channels_last.hpp>

namespace g2d::encoder {

struct ResNet18Options {
  std::int64_t in_channels = 1;  ///< 1 for spectrograms and grey images, 3 for colour.
  /// The layout behind the stem, too; on a CPU the quicker one at all sizes. False: LibTorch's plain convolutions.
  bool channels_last = true;
};

/// ResNet-18 without its classifier: the paper's encoder for images, spectrograms and videos.
///
///     stem 7x7/2, max-pool 3x3/2, four stages of two residual blocks (64, 128, 256, 512 channels), mean over positions
///
/// Use when   the input is an image of some 64 pixels or more; a video's frames are encoded one by one and averaged.
/// Shapes     in: [B, C, H, W] or [B, C, T, H, W]; out: [B, 512].
/// Draws      every layer its default as it is constructed, then in module order: convolutions normal with kaiming
///            fan-out, norm weights normal(1, 0.02). One seed gives the same weights as the authors' Python.
/// Cost       the stem is channels-last, and pooled before relu, which changes no value: half its time on a CPU.
///            Convolutions are channels-last by default, and there, where it pays, Winograd's in float32 (rounding
///            errors of 2e-6 instead of 4e-7), or their weight gradients matrix products. 11.2 million parameters; 0.45
///            billion multiply-adds an image of 112 x 112.
/// Errors     ConfigError for in_channels < 1; ShapeError for another rank or number of channels.
/// Source     arXiv:1512.03385; parameters bear torchvision's names, so that its weights load, less `fc`.
class ResNet18 : public torch::nn::Module {
 public:
  explicit ResNet18(ResNet18Options options = {})
      : in_channels_(options.in_channels), is_channels_last_(options.channels_last) {
    if (in_channels_ < 1) {
      throw ConfigError(fmt::format("g2d: encoder::ResNet18: expected in_channels >= 1, got {}", in_channels_));
    }
    conv1_ = register_module(
        "conv1", torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels_, 64, 7).stride(2).padding(3).bias(false)));
    bn1_ = register_module("bn1", torch::nn::BatchNorm2d(64));
    layer1_ = register_module("layer1", stage(64, 64, 1));
    layer2_ = register_module("layer2", stage(64, 128, 2));
    layer3_ = register_module("layer3", stage(128, 256, 2));
    layer4_ = register_module("layer4", stage(256, 512, 2));
    draw();
    detail::use_channels_last(is_channels_last_ ? *this : static_cast<torch::nn::Module&>(*conv1_));
  }

  at::Tensor forward(const at::Tensor& x) {
    check(x);
    if (x.dim() == 4) return encode(x);
    const auto frames = x.transpose(1, 2);
    return encode(frames.flatten(0, 1)).unflatten(0, {x.size(0), x.size(2)}).mean(1);
  }

  [[nodiscard]] std::int64_t feature_width() const { return 512; }

 private:
  static torch::nn::Sequential stage(std::int64_t in_channels, std::int64_t out_channels, std::int64_t stride) {
    torch::nn::Sequential shortcut(nullptr);
    if (in_channels != out_channels) {
      shortcut = torch::nn::Sequential();
      shortcut->push_back(
          torch::nn::Conv2d(torch::nn::Conv2dOptions(in_channels, out_channels, 1).stride(stride).bias(false)));
      shortcut->push_back(torch::nn::BatchNorm2d(out_channels));
    }
    torch::nn::Sequential blocks;
    blocks->push_back(std::make_shared<detail::BasicBlock>(in_channels, out_channels, stride, std::move(shortcut)));
    blocks->push_back(std::make_shared<detail::BasicBlock>(out_channels, out_channels, 1, nullptr));
    return blocks;
  }

  void draw() {
    for (const auto& module : modules(/*include_self=*/false)) {
      if (auto* convolution = module->as<torch::nn::Conv2d>()) {
        torch::nn::init::kaiming_normal_(convolution->weight, 0.0, torch::kFanOut, torch::kReLU);
      } else if (auto* norm = module->as<torch::nn::BatchNorm2d>()) {
        torch::nn::init::normal_(norm->weight, 1.0, 0.02);
      }
    }
  }

  void check(const at::Tensor& x) const {
    if ((x.dim() != 4 && x.dim() != 5) || x.size(1) != in_channels_) {
      throw ShapeError(fmt::format("g2d: encoder::ResNet18: expected [B, {0}, H, W] or [B, {0}, T, H, W], got {1}",
                                   in_channels_, to_string(x.sizes())));
    }
  }

  at::Tensor encode(const at::Tensor& images) {
    const auto stem = at::max_pool2d(bn1_(conv1_(images)), 3, 2, 1).relu_();
    auto x = layer1_->forward(is_channels_last_ ? stem : stem.contiguous());
    x = layer2_->forward(x);
    x = layer3_->forward(x);
    x = layer4_->forward(x);
    return x.mean({2, 3});
  }

  std::int64_t in_channels_;
  bool is_channels_last_;
  torch::nn::Conv2d conv1_{nullptr};
  torch::nn::BatchNorm2d bn1_{nullptr};
  torch::nn::Sequential layer1_{nullptr};
  torch::nn::Sequential layer2_{nullptr};
  torch::nn::Sequential layer3_{nullptr};
  torch::nn::Sequential layer4_{nullptr};
};

static_assert(EncoderModule<ResNet18>);

}  // namespace g2d::encoder
