// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <stdexcept>

namespace g2d_test {

/// Linear, batch norm, relu, dropout, linear: all that makes suppression hard, in 30 numbers. [B, in] to [B, width].
struct NormDropout : torch::nn::Module {
  explicit NormDropout(std::int64_t in_features, std::int64_t width = 3, double probability = 0.3)
      : first(register_module("first", torch::nn::Linear(in_features, 4))),
        norm(register_module("norm", torch::nn::BatchNorm1d(4))),
        dropout(register_module("dropout", torch::nn::Dropout(probability))),
        second(register_module("second", torch::nn::Linear(4, width))) {}

  at::Tensor forward(const at::Tensor& x) { return second(dropout(norm(first(x)).relu())); }
  [[nodiscard]] std::int64_t feature_width() const { return second->options.out_features(); }

  torch::nn::Linear first;
  torch::nn::BatchNorm1d norm;
  torch::nn::Dropout dropout;
  torch::nn::Linear second;
};

/// Convolution, batch norm, relu, mean over positions. [B, 1, H, W] to [B, 3].
struct TinyConv : torch::nn::Module {
  TinyConv()
      : convolution(register_module("convolution", torch::nn::Conv2d(torch::nn::Conv2dOptions(1, 3, 3).bias(false)))),
        norm(register_module("norm", torch::nn::BatchNorm2d(3))) {}

  at::Tensor forward(const at::Tensor& x) { return norm(convolution(x)).relu().mean({2, 3}); }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }

  torch::nn::Conv2d convolution;
  torch::nn::BatchNorm2d norm;
};

/// The mean over a sequence's valid steps, then linear. [B, T, in] and lengths [B] to [B, 3].
struct SequenceMean : torch::nn::Module {
  explicit SequenceMean(std::int64_t in_features)
      : linear(register_module("linear", torch::nn::Linear(in_features, 3))) {}

  at::Tensor forward(const at::Tensor& x, const at::Tensor& lengths) {
    const auto valid = torch::arange(x.size(1), lengths.options()).unsqueeze(0).lt(lengths.unsqueeze(1));
    const auto sum = x.mul(valid.unsqueeze(2)).sum(1);
    return linear(sum.div(lengths.unsqueeze(1)));
  }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }

  torch::nn::Linear linear;
};

/// A running mean of its own, without LibTorch's norm layers, which have no kernel for the meta device.
struct RunningMean : torch::nn::Module {
  explicit RunningMean(std::int64_t in_features)
      : linear(register_module("linear", torch::nn::Linear(in_features, 3))),
        mean(register_buffer("mean", torch::zeros({3}))) {}

  at::Tensor forward(const at::Tensor& x) {
    const auto features = linear(x);
    if (is_training()) {
      const at::NoGradGuard no_grad;
      mean.mul_(0.9).add_(features.mean(0), 0.1);
    }
    return features.sub(mean).tanh();
  }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }

  torch::nn::Linear linear;
  at::Tensor mean;
};

/// A norm layer, then an exception when asked for one: what a failure in the middle of a forward pass leaves behind.
struct Fragile : torch::nn::Module {
  explicit Fragile(std::int64_t in_features)
      : inner(register_module("inner", std::make_shared<NormDropout>(in_features))) {}

  at::Tensor forward(const at::Tensor& x) {
    const auto features = inner->forward(x);
    if (breaks) throw std::runtime_error("the encoder broke");
    return features;
  }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }

  std::shared_ptr<NormDropout> inner;
  bool breaks = false;
};

}  // namespace g2d_test
