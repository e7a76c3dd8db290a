// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros_like.h>

#include <cstddef>
#include <vector>

namespace g2d::check::detail {

/// d(total) / d(variable) for each leaf, zeros where it does not depend on it. What the leaves' `grad` held is put
/// back.
[[nodiscard]] inline std::vector<at::Tensor> gradients(const at::Tensor& total,
                                                       const std::vector<at::Tensor>& variables) {
  std::vector<at::Tensor> held;
  for (const auto& variable : variables) {
    held.push_back(variable.grad());
    variable.mutable_grad().reset();
  }
  if (total.requires_grad())
    total.backward({}, /*retain_graph=*/true, /*create_graph=*/false, at::TensorList(variables));
  std::vector<at::Tensor> gradients;
  for (std::size_t i = 0; i < variables.size(); ++i) {
    auto& gradient = variables[i].mutable_grad();
    gradients.push_back(gradient.defined() ? gradient : at::zeros_like(variables[i]));
    gradient = held[i];
  }
  return gradients;
}

}  // namespace g2d::check::detail
