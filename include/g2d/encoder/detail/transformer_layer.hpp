// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/dropout.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cstdint>
#include <memory>

#include <g2d/encoder/detail/self_attention.hpp>

namespace g2d::encoder::detail {

/// x + attention(norm(x)), then the same with two linear layers. Parameters and draws are those of Python's
/// nn.TransformerEncoderLayer(norm_first=True).
class TransformerLayer : public torch::nn::Module {
 public:
  TransformerLayer(std::int64_t width, std::int64_t heads, std::int64_t feed_forward, double dropout)
      : dropout_(dropout),
        self_attn_(register_module("self_attn", std::make_shared<SelfAttention>(width, heads, dropout))),
        linear1_(register_module("linear1", torch::nn::Linear(width, feed_forward))),
        linear2_(register_module("linear2", torch::nn::Linear(feed_forward, width))),
        norm1_(register_module("norm1", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))),
        norm2_(register_module("norm2", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width})))) {}

  /// As SelfAttention::forward.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& visible) {
    const auto attended = x + drop(self_attn_->forward(norm1_(x), visible));
    const auto hidden = linear1_(norm2_(attended)).relu_();
    return attended + drop(linear2_(drop(hidden)));
  }

 private:
  at::Tensor drop(const at::Tensor& x) const { return dropout_ > 0.0 ? at::dropout(x, dropout_, is_training()) : x; }

  double dropout_;
  std::shared_ptr<SelfAttention> self_attn_;
  torch::nn::Linear linear1_;
  torch::nn::Linear linear2_;
  torch::nn::LayerNorm norm1_;
  torch::nn::LayerNorm norm2_;
};

}  // namespace g2d::encoder::detail
