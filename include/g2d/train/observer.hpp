// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>

#include <g2d/core/per_modality.hpp>
#include <g2d/core/teacher_outputs.hpp>
#include <g2d/method/control.hpp>
#include <g2d/method/outputs.hpp>
#include <g2d/method/term.hpp>
#include <g2d/suppression/parameter_filter.hpp>

namespace g2d {

/// What an observer sees of one step. All tensors stay on their device; reading one waits for it.
struct Observation {
  std::int64_t epoch = 0;
  std::int64_t step = 0;
  const method::Terms& terms;
  const at::Tensor& total;
  const method::Outputs& outputs;    ///< `unimodal` is filled when the observer asks for it.
  const method::Controls& controls;  ///< Who was frozen, or scaled by plan.
  const TeacherOutputs* teachers;
  PerModality<at::Tensor> coefficients;              ///< kappa_m applied to gradients; undefined: 1 (or frozen).
  PerModality<at::Tensor> gradient_norms;            ///< Before modulation, on request.
  PerModality<at::Tensor> modulated_gradient_norms;  ///< After it, on request.
};

/// Looks at every step. Absent, nothing is computed for it.
struct Observer {
  std::function<void(const Observation&)> on_step = {};
  bool unimodal = false;                                ///< Fill outputs.unimodal.
  bool gradient_norms = false;                          ///< Compute the norms of each encoder's gradients.
  suppression::ParameterFilter gradient_norm_filter{};  ///< Of these parameters.
};

}  // namespace g2d
