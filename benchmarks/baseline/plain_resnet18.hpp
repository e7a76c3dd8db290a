// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/max_pool2d.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>

#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include <g2d/encoder/resnet18.hpp>

#include "models.hpp"

/// ResNet-18 as everybody writes it, from LibTorch's layers in torchvision's order: with the weights, layouts and mode
/// of one of the library's, and without what the library does for speed.
class PlainResNet18 : public torch::nn::Module {
 public:
  explicit PlainResNet18(const std::shared_ptr<g2d::encoder::ResNet18>& weights) {
    register_module("weights", weights);
    const auto modules = weights->named_modules();
    const auto layer = [&](const std::string& convolution, const std::string& norm) {
      return Layer{std::dynamic_pointer_cast<torch::nn::Conv2dImpl>(modules[convolution]),
                   std::dynamic_pointer_cast<torch::nn::BatchNorm2dImpl>(modules[norm])};
    };
    stem_ = layer("conv1", "bn1");
    for (int stage = 1; stage <= 4; ++stage) {
      for (int block = 0; block < 2; ++block) {
        const auto name = fmt::format("layer{}.{}.", stage, block);
        const auto shortcut = name + "downsample";
        blocks_.push_back({layer(name + "conv1", name + "bn1"), layer(name + "conv2", name + "bn2"),
                           modules.contains(shortcut) ? layer(shortcut + ".0", shortcut + ".1") : Layer{}});
      }
    }
  }

  at::Tensor forward(const at::Tensor& images) const {
    auto x = at::max_pool2d(stem_(images).relu_(), 3, 2, 1)
                 .contiguous(blocks_[0].first.convolution->weight.suggest_memory_format());
    for (const auto& block : blocks_) {
      auto sum = block.second(block.first(x).relu_());
      sum += block.shortcut.convolution ? block.shortcut(x) : x;
      x = sum.relu_();
    }
    return x.mean({2, 3});
  }

 private:
  struct Layer {
    std::shared_ptr<torch::nn::Conv2dImpl> convolution;
    std::shared_ptr<torch::nn::BatchNorm2dImpl> norm;

    at::Tensor operator()(const at::Tensor& x) const { return norm->forward(convolution->forward(x)); }
  };

  struct Block {
    Layer first, second, shortcut;
  };

  Layer stem_;
  std::vector<Block> blocks_;
};

/// Models with their encoders as the authors' code has them: ResNet-18 in plain layers, any other as it is.
template <class Encoder>
[[nodiscard]] std::shared_ptr<Encoder> in_plain_layers(const std::shared_ptr<Encoder>& encoder) {
  return encoder;
}

[[nodiscard]] inline std::shared_ptr<PlainResNet18> in_plain_layers(
    const std::shared_ptr<g2d::encoder::ResNet18>& encoder) {
  return std::make_shared<PlainResNet18>(encoder);
}

template <class Encoder, g2d::fusion::FusionPolicy Fusion>
[[nodiscard]] auto in_plain_layers(const FusedModel<Encoder, Fusion>& model) {
  using Plain = typename decltype(in_plain_layers(model.encoders[0]))::element_type;
  FusedModel<Plain, Fusion> plain{{}, model.fusion};
  for (const auto& encoder : model.encoders) plain.encoders.push_back(in_plain_layers(encoder));
  return plain;
}

template <class Encoder>
[[nodiscard]] auto in_plain_layers(const std::vector<UnimodalModel<Encoder>>& models) {
  using Plain = typename decltype(in_plain_layers(models[0].encoder))::element_type;
  std::vector<UnimodalModel<Plain>> plain;
  for (const auto& model : models) plain.push_back({in_plain_layers(model.encoder), model.weight, model.bias});
  return plain;
}
