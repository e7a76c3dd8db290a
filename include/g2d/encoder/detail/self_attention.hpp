// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/zeros.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <cstdint>

namespace g2d::encoder::detail {

/// Every step asks every step it may see. Parameters and draws are those of Python's nn.MultiheadAttention.
class SelfAttention : public torch::nn::Module {
 public:
  SelfAttention(std::int64_t width, std::int64_t heads, double dropout) : heads_(heads), dropout_(dropout) {
    in_proj_weight_ = register_parameter("in_proj_weight", at::empty({3 * width, width}));
    in_proj_bias_ = register_parameter("in_proj_bias", at::zeros({3 * width}));
    out_proj_ = register_module("out_proj", torch::nn::Linear(width, width));
    torch::nn::init::xavier_uniform_(in_proj_weight_);
    torch::nn::init::zeros_(out_proj_->bias);
  }

  /// x [B, T, width]; visible bool [B, 1, 1, T], at least one step a sample.
  at::Tensor forward(const at::Tensor& x, const at::Tensor& visible) {
    // [3, B, heads, T, width / heads]
    const auto projected =
        at::linear(x, in_proj_weight_, in_proj_bias_).unflatten(2, {3, heads_, -1}).permute({2, 0, 3, 1, 4});
    const auto attended = at::scaled_dot_product_attention(projected[0], projected[1], projected[2], visible,
                                                           is_training() ? dropout_ : 0.0);
    return out_proj_(attended.transpose(1, 2).flatten(2));
  }

 private:
  std::int64_t heads_;
  double dropout_;
  at::Tensor in_proj_weight_;
  at::Tensor in_proj_bias_;
  torch::nn::Linear out_proj_{nullptr};
};

}  // namespace g2d::encoder::detail
