// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/detail/gradients.hpp>
#include <g2d/check/report.hpp>
#include <g2d/core/error.hpp>
#include <g2d/fusion/concept.hpp>
#include <g2d/interop/copy_layers.hpp>
#include <g2d/interop/torch_eigen.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::interop {

namespace detail {

/// Fixed coefficients without a pattern that a mistake could hide in: dL/dy of the pseudo-loss L = sum(coefficients *
/// y).
[[nodiscard]] inline at::Tensor coefficients(const at::Tensor& output, std::size_t seed) {
  return at::arange(output.numel(), output.options().requires_grad(false))
      .mul(1.7)
      .add(static_cast<double>(seed))
      .sin()
      .view(output.sizes());
}

/// Weight after weight, each with its bias behind it where there is one.
[[nodiscard]] inline std::vector<reference::Matrix> matrices(const std::vector<reference::Linear>& layers) {
  std::vector<reference::Matrix> matrices;
  for (const auto& layer : layers) {
    matrices.push_back(layer.weight);
    if (layer.bias.size() > 0) matrices.push_back(layer.bias);
  }
  return matrices;
}

}  // namespace detail

/// Compares a fusion of yours with a reference of it in Eigen: logits, the features handed on, and the gradients with
/// respect to all features and parameters. The reference is given the fusion's weights first (see copy_layers).
///
///     auto report = g2d::interop::check_fusion(mine, MineInEigen{...}, features, 1e-9);
///
/// Shapes     features: M tensors [B, D_m], of the fusion's dtype.
/// Errors     those of both sides; ConfigError when the reference gives gradients of more or fewer parameters.
template <fusion::FusionPolicy Fusion, reference::FusionPolicy Reference>
[[nodiscard]] check::Report check_fusion(const Fusion& fusion, Reference reference, ModalitySpan<at::Tensor> features,
                                         double tolerance) {
  const auto parameters = fusion.parameters();
  copy_layers(parameters, reference);
  PerModality<at::Tensor> inputs;
  for (const auto& x : features) inputs.push_back(x.detach().clone().requires_grad_());
  std::vector<at::Tensor> variables(inputs.begin(), inputs.end());
  for (const auto& parameter : parameters) variables.push_back(parameter.value);

  const auto output = fusion.forward(inputs);
  const auto matrices = to_matrices(inputs);
  const auto expected = reference.forward(matrices);
  const auto logit_coefficients = detail::coefficients(output.logits, 0);
  auto total = output.logits.mul(logit_coefficients).sum();
  reference::fusion::OutputGradient output_gradient{{}, to_matrix(logit_coefficients)};
  auto report = check::compare(output.logits, to_tensor(expected.logits), "logits", tolerance);
  for (std::size_t m = 0; m < inputs.size(); ++m) {
    report = check::worse(report, check::compare(output.features[m], to_tensor(expected.features[m]),
                                                 fmt::format("features {} handed on", m), tolerance));
    const auto coefficients = detail::coefficients(output.features[m], m + 1);
    total = total.add(output.features[m].mul(coefficients).sum());
    output_gradient.features.push_back(to_matrix(coefficients));
  }

  const auto gradients = check::detail::gradients(total, variables);
  const auto expected_gradient = reference.backward(matrices, output_gradient);
  for (std::size_t m = 0; m < inputs.size(); ++m) {
    report = check::worse(report, check::compare(gradients[m], to_tensor(expected_gradient.features[m]),
                                                 fmt::format("gradient of features {}", m), tolerance));
  }
  const auto expected_parameters = detail::matrices(expected_gradient.layers);
  if (expected_parameters.size() != parameters.size()) {
    throw ConfigError(
        fmt::format("g2d: interop::check_fusion: expected the gradients of {} parameters from the reference, got {}",
                    parameters.size(), expected_parameters.size()));
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    report = check::worse(report, check::compare(gradients[inputs.size() + i],
                                                 to_tensor(expected_parameters[i]).view(parameters[i].value.sizes()),
                                                 "gradient of " + parameters[i].name, tolerance));
  }
  return report;
}

}  // namespace g2d::interop
