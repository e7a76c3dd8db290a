// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <cstddef>
#include <vector>

#include <g2d/core/parameter.hpp>
#include <g2d/core/per_modality.hpp>

/// What the tests of single policies compare by: numbers of tensors, and all that a gradient is taken by.
namespace g2d_test {

inline constexpr double rounding = 1e-12;

/// A scalar that depends on all elements of all tensors, with coefficients that differ.
inline at::Tensor mixed(const g2d::PerModality<at::Tensor>& tensors) {
  at::Tensor sum = torch::zeros({}, torch::kDouble);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto coefficients =
        torch::arange(tensors[i].numel(), torch::kDouble).mul(1.3).add(static_cast<double>(i)).cos();
    sum = sum + tensors[i].flatten().dot(coefficients);
  }
  return sum;
}

inline std::vector<at::Tensor> variables(const g2d::PerModality<at::Tensor>& inputs,
                                         const g2d::Parameters& parameters) {
  std::vector<at::Tensor> all;
  for (const auto& input : inputs) all.push_back(input.requires_grad_());
  for (const auto& parameter : parameters) all.push_back(parameter.value);
  return all;
}

inline double value(const at::Tensor& scalar) { return scalar.item<double>(); }

}  // namespace g2d_test
