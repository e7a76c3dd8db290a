// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/container/modulelist.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/encoder/concept.hpp>
#include <g2d/encoder/detail/sequences.hpp>
#include <g2d/encoder/detail/transformer_layer.hpp>

namespace g2d::encoder {

struct TransformerOptions {
  std::int64_t in_features = 0;  ///< Of one step; has to be given.
  std::int64_t width = 128;      ///< Of a step inside, and of the features; even, and a multiple of `heads`.
  std::int64_t heads = 4;
  std::int64_t layers = 2;
  std::int64_t feed_forward = 0;  ///< Width between the two linear layers of a layer; 0: 4 * width.
  double dropout = 0.1;           ///< In [0, 1); behind the embedding, inside and behind both halves of a layer.
};

/// A small Transformer encoder: every step sees every other, and the features are the mean over the valid steps.
///
///     x_t = W v_t + b + p_t       p_t[2i] = sin(t / 10000^(2i / width)), p_t[2i + 1] = cos(the same), t = 0, 1, ...
///     x   = x + attention(norm(x));  x = x + W_2 relu(W_1 norm(x) + b_1) + b_2        (each layer)
///     features = 1/L sum_{t < L} norm(x_t)
///
/// Use when   steps far apart matter, and samples are many: it learns more slowly than Gru from few.
/// Shapes     in: values [B, T, in_features], lengths int64 [B], none when all steps are valid; out: [B, width].
/// Padding    stands behind the valid steps; nothing in it reaches a feature or a gradient, NaN included. A sample of
///            length 0 has features 0 and gives no gradient; a length outside [0, T] counts as the nearer end.
/// Draws      `projection` as torch::nn::Linear, then layer by layer as Python's nn.TransformerEncoderLayer; inside
///            `layers` and `norm` the parameters bear the names of Python's nn.TransformerEncoder.
/// Cost       layers * (T * width * (4 width + 2 feed_forward) + 2 T^2 width) multiply-adds a sample.
/// Errors     ConfigError for sizes below 1, a width that is odd or no multiple of heads, dropout outside [0, 1);
///            ShapeError for values or lengths that do not fit.
/// Source     arXiv:1706.03762, norms first as in arXiv:2002.04745.
class Transformer : public torch::nn::Module {
 public:
  explicit Transformer(const TransformerOptions& options)
      : in_features_(options.in_features), width_(options.width), dropout_(options.dropout) {
    check(options);
    projection_ = register_module("projection", torch::nn::Linear(in_features_, width_));
    const auto layers = register_module("layers", torch::nn::ModuleList());
    const auto feed_forward = options.feed_forward == 0 ? 4 * width_ : options.feed_forward;
    for (std::int64_t i = 0; i < options.layers; ++i) {
      layers_.push_back(std::make_shared<detail::TransformerLayer>(width_, options.heads, feed_forward, dropout_));
      layers->push_back(layers_.back());
    }
    norm_ = register_module("norm", torch::nn::LayerNorm(torch::nn::LayerNormOptions({width_})));
  }

  at::Tensor forward(const at::Tensor& values, const at::Tensor& lengths = {}) {
    const detail::Sequences sequences(values, lengths, in_features_, "encoder::Transformer");
    // Of a softmax over no step at all some kernels make NaN. What an empty sequence sees in its first step is dropped
    // below.
    const auto visible = sequences.padding.logical_not().logical_or(sequences.steps.eq(0)).unsqueeze(1).unsqueeze(1);
    const auto embedded = projection_(sequences.values);
    auto x = embedded + positions(sequences.steps, embedded.scalar_type());
    if (dropout_ > 0.0) x = at::dropout(x, dropout_, is_training());
    for (const auto& layer : layers_) x = layer->forward(x, visible);
    const auto sum = norm_(x).masked_fill(sequences.padding.unsqueeze(2), 0.0).sum(1);
    return sum.div(sequences.lengths.clamp_min(1).unsqueeze(1));
  }

  [[nodiscard]] std::int64_t feature_width() const { return width_; }

 private:
  static void check(const TransformerOptions& options) {
    if (options.in_features < 1 || options.width < 1 || options.heads < 1 || options.layers < 1 ||
        options.feed_forward < 0) {
      throw ConfigError(fmt::format(
          "g2d: encoder::Transformer: expected sizes >= 1, got in_features {}, width {}, heads {}, layers {}, "
          "feed_forward {}",
          options.in_features, options.width, options.heads, options.layers, options.feed_forward));
    }
    if (options.width % 2 != 0 || options.width % options.heads != 0) {
      throw ConfigError(fmt::format(
          "g2d: encoder::Transformer: expected an even width that is a multiple of heads, got width {}, heads {}",
          options.width, options.heads));
    }
    if (!(options.dropout >= 0.0 && options.dropout < 1.0)) {
      throw ConfigError(fmt::format("g2d: encoder::Transformer: expected dropout in [0, 1), got {}", options.dropout));
    }
  }

  /// [T, width]. In bfloat16 itself the steps beyond 256 would fall together.
  at::Tensor positions(const at::Tensor& steps, at::ScalarType type) const {
    const auto precise = steps.options().dtype(type == at::kDouble ? at::kDouble : at::kFloat);
    const auto exponent = at::arange(0, width_, 2, precise).mul(-std::log(10000.0) / static_cast<double>(width_));
    const auto angles = steps.to(precise.dtype()).transpose(0, 1).mul(exponent.exp());
    return at::stack({angles.sin(), angles.cos()}, 2).flatten(1).to(type);
  }

  std::int64_t in_features_;
  std::int64_t width_;
  double dropout_;
  torch::nn::Linear projection_{nullptr};
  std::vector<std::shared_ptr<detail::TransformerLayer>> layers_;
  torch::nn::LayerNorm norm_{nullptr};
};

static_assert(EncoderModule<Transformer>);

}  // namespace g2d::encoder
