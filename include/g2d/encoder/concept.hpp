// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/nn/module.h>

#include <concepts>
#include <cstdint>

/// Encoders: one modality's input [B, ...] becomes features [B, D].
///
/// | module | input | use when |
/// |---|---|---|
/// | `ResNet18` | images [B, C, H, W], videos [B, C, T, H, W] | the paper's encoder; large images or spectrograms |
/// | `SmallCnn` | images [B, C, H, W] | small images, few samples, quick runs |
/// | `Gru`      | sequences [B, T, D] with lengths [B] | order matters, sequences are short or samples few |
/// | `Transformer` | sequences [B, T, D] with lengths [B] | steps far apart matter, samples are many |
/// | `Mlp`      | anything, flattened | tables, embeddings, tests |
///
/// An encoder is any torch::nn::Module with a `forward`; where it does not know its width, the student is told:
///
///     struct Mine : torch::nn::Module {
///       at::Tensor forward(const at::Tensor& values);             // and/or forward(values, lengths), for sequences
///       std::int64_t feature_width() const;                       // optional: D
///     };
///
/// Construct submodules one statement each: compilers differ in the order in which they evaluate function arguments,
/// and the order of construction is the order of the random draws.
namespace g2d::encoder {

namespace detail {

template <class Module>
concept EncodesValues = requires(Module& module, const at::Tensor& values) {
  { module.forward(values) } -> std::convertible_to<at::Tensor>;
};

template <class Module>
concept EncodesSequences = requires(Module& module, const at::Tensor& values, const at::Tensor& lengths) {
  { module.forward(values, lengths) } -> std::convertible_to<at::Tensor>;
};

template <class Module>
concept KnowsItsFeatureWidth = requires(const Module& module) {
  { module.feature_width() } -> std::convertible_to<std::int64_t>;
};

}  // namespace detail

/// A module that can serve as an encoder.
template <class Module>
concept EncoderModule =
    std::derived_from<Module, torch::nn::Module> && (detail::EncodesValues<Module> || detail::EncodesSequences<Module>);

}  // namespace g2d::encoder
