// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <torch/nn/init.h>
#include <torch/nn/module.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/linear.h>

#include <g2d/core/parameter.hpp>
#include <g2d/initialization/concept.hpp>

namespace g2d::initialization {

/// The authors' initialisation, children first, in the order in which they were registered.
///
///     linear          weight xavier normal, bias 0
///     convolution     weight kaiming normal, fan-out; of two dimensions only, as is batch norm
///     batch norm      weight 1, bias 0
///
/// A fusion's tensors in their order: matrices xavier normal, vectors 0. All else is left as it is.
///
/// Use when   the authors' runs are to be repeated.
/// Draws      from the global generator; one seed gives the same numbers as the authors' Python.
/// Errors     none.
/// Source     the authors' code; arXiv:2506.21514 gives no initialisation.
class AuthorsCode {
 public:
  void operator()(torch::nn::Module& module) const {
    for (const auto& child : module.children()) (*this)(*child);
    if (auto* linear = module.as<torch::nn::Linear>()) {
      initialize(linear->weight);
      if (linear->bias.defined()) initialize(linear->bias);
    } else if (auto* convolution = module.as<torch::nn::Conv2d>()) {
      draw_filters(convolution->weight);
    } else if (auto* norm = module.as<torch::nn::BatchNorm2d>(); norm != nullptr && norm->weight.defined()) {
      torch::nn::init::ones_(norm->weight);
      torch::nn::init::zeros_(norm->bias);
    }
  }

  void operator()(const Parameters& parameters) const {
    for (const auto& parameter : parameters) initialize(parameter.value);
  }

 private:
  /// In the order of the plain layout, whatever layout the filters have: else one seed would give other weights.
  static void draw_filters(at::Tensor& filters) {
    const at::NoGradGuard no_grad;
    const auto drawn = at::empty(filters.sizes(), filters.options().requires_grad(false));
    filters.copy_(torch::nn::init::kaiming_normal_(drawn, 0.0, torch::kFanOut, torch::kReLU));
  }

  static void initialize(const at::Tensor& tensor) {
    if (tensor.dim() == 2) {
      torch::nn::init::xavier_normal_(tensor);
    } else if (tensor.dim() == 1) {
      torch::nn::init::zeros_(tensor);
    }
  }
};

static_assert(InitializationPolicy<AuthorsCode>);

}  // namespace g2d::initialization
