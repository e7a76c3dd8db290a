// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/linear.h>
#include <torch/nn/modules/conv.h>

#include <cstdint>

#include <g2d/encoder/detail/patch_convolution.hpp>
#include <g2d/encoder/detail/winograd_convolution.hpp>

namespace g2d::encoder::detail {

/// As LibTorch's autocast hands a tensor to a convolution, where one is enabled.
inline at::Tensor in_autocast_dtype(const at::Tensor& tensor) {
  if (!at::autocast::is_autocast_enabled(at::kCPU)) return tensor;
  return at::autocast::cached_cast(at::autocast::get_autocast_dtype(at::kCPU), tensor, at::kCPU);
}

/// A convolution 3x3 with padding 1 and without bias, in the way that takes least time. Of a picture that has shrunk to
/// one pixel only the kernel's centre sees anything, the other eight ninths see padding: one matrix product does it,
/// with the same values and gradients at a fifth of the time.
inline at::Tensor convolve(torch::nn::Conv2d& convolution, const at::Tensor& x) {
  if (x.size(2) != 1 || x.size(3) != 1) {
    const auto stride = convolution->options.stride()->at(0);
    if (Winograd4x4::pays(x, convolution->weight, stride)) return Winograd4x4::apply(x, convolution->weight);
    if (Winograd2x2::pays(x, convolution->weight, stride)) return Winograd2x2::apply(x, convolution->weight);
    if (!PatchConvolution::pays(x, convolution->weight, stride)) return convolution(x);
    return PatchConvolution::apply(in_autocast_dtype(x), in_autocast_dtype(convolution->weight), stride);
  }
  constexpr std::int64_t centre = 4;
  const auto& weight = convolution->weight;
  // Views in either layout, backwards too: a copy would cost more than the product.
  const auto seen = weight.is_contiguous() ? weight.flatten(2).select(2, centre)
                                           : weight.permute({0, 2, 3, 1}).flatten(1, 2).select(1, centre);
  return at::linear(x.flatten(1), seen).unflatten(1, {-1, 1, 1});
}

}  // namespace g2d::encoder::detail
