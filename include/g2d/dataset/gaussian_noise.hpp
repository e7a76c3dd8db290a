// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/TensorOperators.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace g2d::dataset {

/// values + deviations * N(0, 1), one draw for each element: noise that belongs to the sample, the same in every epoch.
///
/// Shapes     values [N, ...]; deviations [N], one for each sample; out: as values.
[[nodiscard]] inline at::Tensor add_gaussian_noise(const at::Tensor& values, const at::Tensor& deviations,
                                                   at::Generator generator) {
  std::vector<std::int64_t> one_per_sample(static_cast<std::size_t>(values.dim()), 1);
  one_per_sample[0] = values.size(0);
  const auto noise = at::randn(values.sizes(), std::optional(std::move(generator)), values.options());
  return values + deviations.view(one_per_sample) * noise;
}

}  // namespace g2d::dataset
