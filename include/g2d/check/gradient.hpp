// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/detail/gradients.hpp>
#include <g2d/check/report.hpp>
#include <g2d/core/error.hpp>

namespace g2d::check {

struct GradientOptions {
  double step = 1e-5;       ///< h of the central differences.
  double tolerance = 1e-6;  ///< Of the error in the report.
};

namespace detail {

inline void check_variables(const std::vector<at::Tensor>& variables) {
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto& x = variables[i];
    if (!x.defined() || x.scalar_type() != at::kDouble || !x.is_leaf() || !x.requires_grad() || !x.is_contiguous()) {
      throw ConfigError(fmt::format(
          "g2d: check::gradient: variable {}: expected a contiguous float64 leaf that requires a gradient, got another "
          "tensor; differences of float32 say nothing",
          i));
    }
  }
}

/// (f(x + h e_i) - f(x - h e_i)) / 2h for every element of x, which is changed in place and put back.
template <class Loss>
[[nodiscard]] at::Tensor finite_differences(const Loss& loss, const at::Tensor& variable, double step) {
  const at::NoGradGuard no_grad;
  auto differences = at::empty_like(variable);
  for (std::int64_t i = 0; i < variable.numel(); ++i) {
    auto element = variable.detach().view({-1}).select(0, i);
    const double value = element.item<double>();
    const auto loss_at = [&](double moved) {
      element.fill_(moved);
      return loss().template item<double>();
    };
    const double above = loss_at(value + step);
    const double below = loss_at(value - step);
    element.fill_(value);
    differences.view({-1}).select(0, i).fill_((above - below) / (2.0 * step));
  }
  return differences;
}

}  // namespace detail

/// Compares the gradients that autograd gives for a policy of yours with central differences of its value.
///
///     auto student = torch::randn({8, 10}, torch::kDouble).requires_grad_();
///     auto report = g2d::check::gradient([&] { return mine(student, teacher); }, {student});
///     if (!report.passed()) fmt::print("{}\n", report.message());
///
/// `loss` is called with no argument, gives a scalar and has to be deterministic; it reads the variables, which are
/// moved in place: inputs, or the parameters of a fusion. The function must be smooth there: no relu at 0.
///
/// Cost       two evaluations of the loss for each element.
/// Errors     ConfigError unless the variables are contiguous float64 leaves that require gradients; ShapeError when
///            the loss is no scalar.
template <class Loss>
[[nodiscard]] Report gradient(const Loss& loss, const std::vector<at::Tensor>& variables,
                              GradientOptions options = {}) {
  detail::check_variables(variables);
  const at::Tensor total = loss();
  if (total.numel() != 1) {
    throw ShapeError(fmt::format("g2d: check::gradient: expected a scalar loss, got {}", to_string(total.sizes())));
  }
  const auto gradients = detail::gradients(total, variables);
  Report report{"no variable", 0.0, 0.0, 0.0, options.tolerance};
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const auto differences = detail::finite_differences(loss, variables[i], options.step);
    const auto own = compare(gradients[i], differences, fmt::format("gradient of variable {}", i), options.tolerance);
    report = i == 0 ? own : worse(report, own);
  }
  return report;
}

}  // namespace g2d::check
