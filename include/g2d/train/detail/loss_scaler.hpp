// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_amp_foreach_non_finite_check_and_unscale.h>
#include <ATen/ops/_amp_update_scale.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <cstdint>
#include <span>
#include <vector>

#include <g2d/core/parameter_group.hpp>

namespace g2d::detail {

/// Keeps gradients within the range of float16: the loss is multiplied by a scale before the backward pass, the
/// gradients are divided by it after. A step whose gradients overflow does not count and halves the scale; many good
/// ones double it.
///
/// Device     the parameters'; nothing waits for it.
/// Cost       nothing unless active; else one pass over the gradients.
class LossScaler {
 public:
  LossScaler(bool is_active, at::TensorOptions options) : is_active_(is_active) {
    if (!is_active_) return;
    const auto one = options.dtype(at::kFloat).requires_grad(false);
    scale_ = at::full({}, initial_scale, one);
    num_good_ = at::zeros({}, one.dtype(at::kInt));
  }

  /// With a scale of its own, which is no longer adapted with this one's.
  [[nodiscard]] LossScaler copy() const {
    LossScaler other(*this);
    if (!is_active_) return other;
    other.scale_ = scale_.clone();
    other.num_good_ = num_good_.clone();
    return other;
  }

  [[nodiscard]] bool is_active() const { return is_active_; }
  [[nodiscard]] at::Tensor scale(const at::Tensor& loss) const { return is_active_ ? loss.mul(scale_) : loss; }

  /// Divides the gradients that the groups hold; `found` (0-dim float) becomes 1 where one of them is not finite.
  void unscale(std::span<const ParameterGroup> groups, const at::Tensor& found) {
    if (!is_active_) return;
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> gradients;
    for (const auto& group : groups) {
      for (const auto& parameter : group.parameters) {
        if (parameter.grad().defined()) gradients.push_back(parameter.grad());
      }
    }
    auto noted = found;
    at::_amp_foreach_non_finite_check_and_unscale_(gradients, noted, scale_.reciprocal());
  }

  /// Adapts the scale for the next step to what was found in this one.
  void finish_step(const at::Tensor& found) {
    if (!is_active_) return;
    const at::NoGradGuard no_grad;
    at::_amp_update_scale_(scale_, num_good_, found, /*scale_growth_factor=*/2.0, /*scale_backoff_factor=*/0.5,
                           growth_interval);
  }

 private:
  static constexpr double initial_scale = 65536.0;
  static constexpr std::int64_t growth_interval = 2000;

  bool is_active_;
  at::Tensor scale_;
  at::Tensor num_good_;
};

}  // namespace g2d::detail
