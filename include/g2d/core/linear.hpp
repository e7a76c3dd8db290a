// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include <g2d/core/parameter.hpp>

namespace g2d {

/// y = x W^T + b, as plain tensors: the heads of the fusions, without the compile cost of torch::nn::Module.
///
/// Shapes     x [B, in]; weight [out, in]; bias [out]; y [B, out].
/// Draws      as torch::nn::Linear from the global generator: weight, then bias, both U(-1/sqrt(in), 1/sqrt(in)); one
///            seed gives the same numbers as Python's.
class Linear {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features)
      : weight(at::empty({out_features, in_features})), bias(at::empty({out_features})) {
    // The two roundings are those of kaiming_uniform_(a = sqrt(5)) and of the bias rule in torch::nn::Linear.
    const double fan_in = static_cast<double>(in_features);
    const double gain = std::sqrt(2.0 / (1.0 + std::pow(std::sqrt(5.0), 2)));
    const double weight_bound = std::sqrt(3.0) * (gain / std::sqrt(fan_in));
    const double bias_bound = 1.0 / std::sqrt(fan_in);
    weight.uniform_(-weight_bound, weight_bound);
    bias.uniform_(-bias_bound, bias_bound);
    weight.requires_grad_();
    bias.requires_grad_();
  }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return at::linear(x, weight, bias); }

  [[nodiscard]] std::int64_t in_features() const { return weight.size(1); }
  [[nodiscard]] std::int64_t out_features() const { return weight.size(0); }

  void append_to(Parameters& parameters, const std::string& name, std::optional<std::size_t> modality = {}) const {
    parameters.push_back({name + ".weight", weight, modality});
    parameters.push_back({name + ".bias", bias, modality});
  }

  at::Tensor weight;
  at::Tensor bias;
};

}  // namespace g2d
