// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/zeros.h>

#include <g2d/distillation/concept.hpp>

namespace g2d::distillation {

/// No distillation: the do-nothing policy, so that a baseline is only a template argument.
///
/// Use when   an ablation leaves the feature or the logit term out.
/// Shapes     any; the result is zero. Inside a method nothing is computed at all.
/// Cost       none.
/// Errors     none.
struct None {
  [[nodiscard]] static constexpr bool enabled() { return false; }

  [[nodiscard]] at::Tensor operator()(const at::Tensor& student, const at::Tensor&) const {
    return at::zeros({}, student.options());
  }
  [[nodiscard]] at::Tensor per_sample(const at::Tensor& student, const at::Tensor&) const {
    return at::zeros({student.size(0)}, student.options());
  }
};

static_assert(DistillationPolicy<None>);

}  // namespace g2d::distillation
