// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Version.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

namespace g2d::encoder::detail {

/// A convolution 3x3 with padding 1 and without bias, whose weight gradient is a matrix product of the outputs'
/// gradients and the patches that the kernel saw, put together anew in the backward pass. Values and the inputs'
/// gradient are LibTorch's convolution.
///
/// Use when   `pays`: LibTorch's own weight gradient runs at a half of its other two passes' rate there or less, the
///            product at all of it.
/// Cost       the weight gradient at a half of the time; in the backward pass the patches of some samples at a time, 16
///            MiB in float32.
class PatchConvolution : public torch::autograd::Function<PatchConvolution> {
 public:
  /// Channels-last; on processors with AVX-512 for few positions in a batch, where LibTorch's pass is mostly fixed
  /// cost; on those with AVX2 alone for many channels, in the weights' own precision.
  [[nodiscard]] static bool pays(const at::Tensor& x, const at::Tensor& weight, std::int64_t stride) {
    static const auto processor = at::get_cpu_capability();
    if (!x.is_cpu() || x.size(0) == 0 || !weight.is_contiguous(at::MemoryFormat::ChannelsLast)) return false;
    if (!weight.requires_grad() || !at::GradMode::is_enabled()) return false;
    if (processor == "AVX512") return has_few_positions(x, stride);
    constexpr std::int64_t fewest_channels = 128;
    return processor == "AVX2" && weight.size(0) >= fewest_channels && !at::autocast::is_autocast_enabled(at::kCPU);
  }

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& x, const at::Tensor& weight,
                            std::int64_t stride) {
    context->save_for_backward({x, weight});
    context->saved_data["stride"] = stride;
    return at::convolution(x, weight, {}, {stride, stride}, {1, 1}, {1, 1}, /*transposed=*/false, {0, 0}, /*groups=*/1);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = context->get_saved_variables();
    const auto stride = context->saved_data["stride"].toInt();
    at::Tensor of_input, of_weight;
    if (context->needs_input_grad(0)) {
      of_input = std::get<0>(at::convolution_backward(gradients[0], saved[0], saved[1], {}, {stride, stride}, {1, 1},
                                                      {1, 1}, false, {0, 0}, 1, {true, false, false}));
    }
    if (context->needs_input_grad(1)) of_weight = weight_gradient(saved[0], saved[1], gradients[0], stride);
    return {of_input, of_weight, {}};
  }

 private:
  /// With a stride LibTorch's weight gradient takes longer, but not the product.
  static bool has_few_positions(const at::Tensor& x, std::int64_t stride) {
    constexpr std::int64_t most = 256;
    const auto along = [&](std::int64_t size) { return (size + stride - 1) / stride; };
    return x.size(0) * along(x.size(2)) * along(x.size(3)) <= most * stride * stride;
  }

  /// Channels-last as the weight is, so that it is stored as it comes.
  static at::Tensor weight_gradient(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& gradient,
                                    std::int64_t stride) {
    constexpr std::int64_t numbers = 1 << 22;
    const auto out_channels = weight.size(0), in_channels = weight.size(1);
    const auto samples = std::max<std::int64_t>(1, numbers / (gradient.size(2) * gradient.size(3) * 9 * in_channels));
    auto product = at::empty({out_channels, 9 * in_channels}, weight.options());
    for (std::int64_t first = 0; first < x.size(0); first += samples) {
      const auto count = std::min(samples, x.size(0) - first);
      const auto outputs = gradient.narrow(0, first, count).permute({0, 2, 3, 1}).reshape({-1, out_channels});
      product.addmm_(outputs.t(), patches(x.narrow(0, first, count), gradient, stride), /*beta=*/first > 0);
    }
    return product.view({out_channels, 3, 3, in_channels}).permute({0, 3, 1, 2});
  }

  /// [B * positions, 9 * channels]
  static at::Tensor patches(const at::Tensor& x, const at::Tensor& gradient, std::int64_t stride) {
    const auto padded = at::constant_pad_nd(x, {1, 1, 1, 1});
    const auto steps = padded.strides();
    return padded
        .as_strided({x.size(0), gradient.size(2), gradient.size(3), 3, 3, x.size(1)},
                    {steps[0], steps[2] * stride, steps[3] * stride, steps[2], steps[3], steps[1]})
        .reshape({-1, 9 * x.size(1)});
  }
};

}  // namespace g2d::encoder::detail
