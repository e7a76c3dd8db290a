// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/gru.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/rnn.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/encoder/concept.hpp>
#include <g2d/encoder/detail/sequences.hpp>

namespace g2d::encoder {

struct GruOptions {
  std::int64_t in_features = 0;  ///< Of one step; has to be given.
  std::int64_t hidden = 128;     ///< Width of the state of one direction.
  std::int64_t layers = 1;
  bool bidirectional = false;  ///< Reads the sequence from its end as well: the features are twice as wide.
  double dropout = 0.0;        ///< In [0, 1); between the layers.
};

/// Gated recurrent units: the features are the top layer's state once it has read the whole sequence.
///
///     features = h_L        (bidirectional: forward state at step L, backward state at step 1)
///
/// Use when   order matters and sequences are short, or samples are few.
/// Shapes     in: values [B, T, in_features], lengths int64 [B], none when all steps are valid;
///            out: [B, hidden], bidirectional [B, 2 hidden].
/// Padding    stands behind the valid steps; nothing in it reaches a feature or a gradient, NaN included. A sample of
///            length 0 has features 0 and gives no gradient; a length outside [0, T] counts as the nearer end.
/// Draws      weights and biases U(-1/sqrt(hidden), 1/sqrt(hidden)), in the order of Python's nn.GRU.
/// Cost       T steps one after the other for each layer and direction; lengths stay on the device and need no order.
/// Errors     ConfigError for sizes below 1 or dropout outside [0, 1); ShapeError for values or lengths that do not
///            fit.
/// Source     arXiv:1406.1078, in the form of torch.nn.GRU on packed sequences.
class Gru : public torch::nn::Module {
 public:
  explicit Gru(const GruOptions& options)
      : in_features_(options.in_features), hidden_(options.hidden), dropout_(options.dropout) {
    check(options);
    auto width = in_features_;
    for (std::int64_t number = 1; number <= options.layers; ++number) {
      auto& layer = layers_.emplace_back();
      layer.forward = direction(fmt::format("layer{}", number), width);
      if (options.bidirectional) layer.backward = direction(fmt::format("layer{}_reverse", number), width);
      width = options.bidirectional ? 2 * hidden_ : hidden_;
    }
    feature_width_ = width;
  }

  at::Tensor forward(const at::Tensor& values, const at::Tensor& lengths = {}) {
    const detail::Sequences sequences(values, lengths, in_features_, "encoder::Gru");
    const bool is_bidirectional = !layers_.front().backward.is_empty();
    const auto mirrored = is_bidirectional ? mirrored_steps(sequences) : at::Tensor();
    auto states = sequences.values;
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      if (i > 0 && dropout_ > 0.0) states = at::dropout(states, dropout_, is_training());
      auto next = run(layers_[i].forward, states);
      if (is_bidirectional) {
        const auto backward = run(layers_[i].backward, pick_steps(states, mirrored));
        next = at::cat({next, pick_steps(backward, mirrored)}, 2);
      }
      states = next;
    }
    const auto last = pick_steps(states, sequences.lengths.sub(1).clamp_min(0).unsqueeze(1)).squeeze(1);
    const auto features = is_bidirectional ? at::cat({last.narrow(1, 0, hidden_),  //
                                                      states.select(1, 0).narrow(1, hidden_, hidden_)},
                                                     1)
                                           : last;
    return features.masked_fill(sequences.lengths.eq(0).unsqueeze(1), 0.0);
  }

  [[nodiscard]] std::int64_t feature_width() const { return feature_width_; }

 private:
  /// One module each, for LibTorch keeps the weights of a module in one piece, as cuDNN wants them.
  struct Layer {
    torch::nn::GRU forward{nullptr};
    torch::nn::GRU backward{nullptr};
  };

  static void check(const GruOptions& options) {
    if (options.in_features < 1 || options.hidden < 1 || options.layers < 1) {
      throw ConfigError(fmt::format("g2d: encoder::Gru: expected sizes >= 1, got in_features {}, hidden {}, layers {}",
                                    options.in_features, options.hidden, options.layers));
    }
    if (!(options.dropout >= 0.0 && options.dropout < 1.0)) {
      throw ConfigError(fmt::format("g2d: encoder::Gru: expected dropout in [0, 1), got {}", options.dropout));
    }
  }

  torch::nn::GRU direction(const std::string& name, std::int64_t width) {
    return register_module(name, torch::nn::GRU(torch::nn::GRUOptions(width, hidden_).batch_first(true)));
  }

  /// [B, T]: the valid steps in reverse, the padding where it stands.
  static at::Tensor mirrored_steps(const detail::Sequences& sequences) {
    const auto from_the_end = sequences.lengths.unsqueeze(1).sub(1).sub(sequences.steps);
    return at::where(sequences.padding, sequences.steps, from_the_end);
  }

  /// [B, T, D] at steps [B, S]: [B, S, D].
  static at::Tensor pick_steps(const at::Tensor& states, const at::Tensor& steps) {
    return states.gather(1, steps.unsqueeze(2).expand({-1, -1, states.size(2)}));
  }

  at::Tensor run(const torch::nn::GRU& layer, const at::Tensor& input) const {
    const auto start = at::zeros({1, input.size(0), hidden_}, input.options());
    // cuDNN refuses the backward pass of a forward pass that was not for training, in evaluation mode too.
    const bool train = at::GradMode::is_enabled();
    return std::get<0>(at::gru(input, start, layer->all_weights(), /*has_biases=*/true, /*num_layers=*/1,
                               /*dropout=*/0.0, train, /*bidirectional=*/false, /*batch_first=*/true));
  }

  std::int64_t in_features_;
  std::int64_t hidden_;
  double dropout_;
  std::int64_t feature_width_ = 0;
  std::vector<Layer> layers_;
};

static_assert(EncoderModule<Gru>);

}  // namespace g2d::encoder
