// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/dropout.h>
#include <c10/util/accumulate.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/linear.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>
#include <g2d/encoder/activation.hpp>
#include <g2d/encoder/concept.hpp>

namespace g2d::encoder {

struct MlpOptions {
  std::int64_t in_features = 0;           ///< Of a flattened sample; has to be given.
  std::vector<std::int64_t> hidden = {};  ///< Widths of the hidden layers.
  std::int64_t feature_width = 64;
  Activation activation = Activation::Relu;
  double dropout = 0.0;  ///< In [0, 1); behind every hidden layer.
};

/// Linear layers, each followed by the activation; the features are activated too.
///
///     features = act(W_n ... act(W_1 x + b_1) ... + b_n)
///
/// Use when   a sample is a row of numbers, or has been embedded already.
/// Shapes     in: [B, ...] with in_features values a sample; out: [B, feature_width].
/// Errors     ConfigError for a width below 1 or dropout outside [0, 1); ShapeError for another number of values.
/// Source     ours; with no hidden layer and tanh it is the encoder of g2d/reference/encoder/linear_tanh.hpp.
class Mlp : public torch::nn::Module {
 public:
  explicit Mlp(const MlpOptions& options)
      : in_features_(options.in_features), activation_(options.activation), dropout_(options.dropout) {
    check(options);
    auto widths = options.hidden;
    widths.push_back(options.feature_width);
    auto width = in_features_;
    for (const auto out_features : widths) {
      layers_.push_back(
          register_module(fmt::format("fc{}", layers_.size() + 1), torch::nn::Linear(width, out_features)));
      width = out_features;
    }
  }

  at::Tensor forward(const at::Tensor& x) {
    if (x.dim() < 2 || c10::multiply_integers(x.sizes().slice(1)) != in_features_) {
      throw ShapeError(fmt::format("g2d: encoder::Mlp: expected [B, ...] with {} values a sample, got {}", in_features_,
                                   to_string(x.sizes())));
    }
    auto hidden = x.flatten(1);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      hidden = layers_[i](hidden);
      hidden = activation_ == Activation::Relu ? hidden.relu_() : hidden.tanh_();
      if (dropout_ > 0.0 && i + 1 < layers_.size()) hidden = at::dropout(hidden, dropout_, is_training());
    }
    return hidden;
  }

  [[nodiscard]] std::int64_t feature_width() const { return layers_.back()->options.out_features(); }

 private:
  static void check(const MlpOptions& options) {
    const auto& hidden = options.hidden;
    const bool positive = std::all_of(hidden.begin(), hidden.end(), [](std::int64_t width) { return width >= 1; });
    if (options.in_features < 1 || options.feature_width < 1 || !positive) {
      throw ConfigError(
          fmt::format("g2d: encoder::Mlp: expected widths >= 1, got in_features {}, hidden [{}], feature_width {}",
                      options.in_features, fmt::join(hidden, ", "), options.feature_width));
    }
    if (!(options.dropout >= 0.0 && options.dropout < 1.0)) {
      throw ConfigError(fmt::format("g2d: encoder::Mlp: expected dropout in [0, 1), got {}", options.dropout));
    }
  }

  std::int64_t in_features_;
  Activation activation_;
  double dropout_;
  std::vector<torch::nn::Linear> layers_;
};

static_assert(EncoderModule<Mlp>);

}  // namespace g2d::encoder
