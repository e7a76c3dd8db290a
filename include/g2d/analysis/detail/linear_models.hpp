// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Reduction.h>
#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/binary_cross_entropy_with_logits.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/linalg_solve.h>
#include <torch/optim/lbfgs.h>

#include <cstdint>
#include <optional>
#include <vector>

#include <g2d/core/output_kind.hpp>

namespace g2d::analysis::detail {

/// weight [D, C] and bias [C].
struct LinearModel {
  at::Tensor weight;
  at::Tensor bias;

  [[nodiscard]] at::Tensor operator()(const at::Tensor& x) const { return at::addmm(bias, x, weight); }
};

/// argmin over weight and bias of  1/(2N) ||x weight + bias - y||^2 + penalty/2 ||weight||^2, for x [N, D] whose
///                                 columns have
/// mean 0.
[[nodiscard]] inline LinearModel ridge_regression(const at::Tensor& x, const at::Tensor& y, double penalty) {
  const auto samples = static_cast<double>(x.size(0));
  const auto bias = y.mean(0);
  const auto gram = x.t().mm(x).div(samples).add(at::eye(x.size(1), x.options()), penalty);
  return {at::linalg_solve(gram, x.t().mm(y.sub(bias)).div(samples)), bias};
}

/// argmin over weight and bias of  1/N sum_i loss_i + penalty/2 ||weight||^2  from a start, by L-BFGS; loss_i is the
/// cross-entropy, or the sum of the labels' binary ones. The problem is convex: the start only saves time.
inline void logistic_regression(LinearModel& model, const at::Tensor& x, const at::Tensor& y, double penalty,
                                OutputKind kind) {
  const at::AutoGradMode gradients(true);
  const auto samples = static_cast<double>(x.size(0));
  const auto loss = [&](const at::Tensor& logits) {
    if (kind == OutputKind::Classes) return at::cross_entropy_loss(logits, y);
    return at::binary_cross_entropy_with_logits(logits, y, std::nullopt, std::nullopt, at::Reduction::Sum).div(samples);
  };
  for (auto* parameter : {&model.weight, &model.bias}) parameter->requires_grad_();
  torch::optim::LBFGS optimizer(std::vector<at::Tensor>{model.weight, model.bias}, torch::optim::LBFGSOptions(1.0)
                                                                                       .max_iter(1000)
                                                                                       .tolerance_grad(1e-6)
                                                                                       .tolerance_change(1e-12)
                                                                                       .history_size(10)
                                                                                       .line_search_fn("strong_wolfe"));
  optimizer.step([&] {
    optimizer.zero_grad();
    const auto objective = loss(model(x)).add(model.weight.square().sum(), penalty / 2.0);
    objective.backward();
    return objective;
  });
  for (auto* parameter : {&model.weight, &model.bias}) *parameter = parameter->detach();
}

}  // namespace g2d::analysis::detail
