// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/scalar_tensor.h>

#include <g2d/check/compare.hpp>
#include <g2d/check/detail/gradients.hpp>
#include <g2d/check/report.hpp>
#include <g2d/interop/torch_eigen.hpp>

namespace g2d::interop {

/// Compares a loss of yours, value and gradient, with a reference of it in Eigen: a distillation formula, or a task's
/// loss.
///
///     auto report = g2d::interop::check_loss(Mine{}, MineInEigen{}, student, teacher, 1e-9);
///
/// `loss(input, target)` gives a scalar tensor. `reference.value(input, target)` gives a double and
/// `reference.gradient(input, target)` its gradient with respect to the input; a target of integers goes there as class
/// indices, else as a matrix.
///
/// Shapes     input [B, D]; target [B, D], or int64 [B].
/// Errors     those of both sides.
template <class Loss, class Reference>
[[nodiscard]] check::Report check_loss(const Loss& loss, const Reference& reference, const at::Tensor& input,
                                       const at::Tensor& target, double tolerance) {
  const auto compare = [&](const auto& reference_target) {
    const auto variable = input.detach().clone().requires_grad_();
    const at::Tensor value = loss(variable, target);
    const auto gradient = check::detail::gradients(value, {variable}).front();
    const auto matrix = to_matrix(input);
    return check::worse(
        check::compare(value, at::scalar_tensor(reference.value(matrix, reference_target), at::kDouble), "value",
                       tolerance),
        check::compare(gradient, to_tensor(reference.gradient(matrix, reference_target)), "gradient", tolerance));
  };
  if constexpr (requires(const reference::Matrix& matrix, const reference::Labels& labels) {
                  reference.value(matrix, labels);
                }) {
    return compare(to_labels(target));
  } else {
    return compare(to_matrix(target));
  }
}

}  // namespace g2d::interop
