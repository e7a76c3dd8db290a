// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <span>
#include <utility>
#include <vector>

#include <g2d/core/parameter_group.hpp>
#include <g2d/method/gradient_view.hpp>
#include <g2d/method/term.hpp>
#include <g2d/train/detail/loss_scaler.hpp>

namespace g2d::detail {

/// Takes the gradients out of the parameters: one tensor for each, undefined where there was none.
[[nodiscard]] inline std::vector<std::vector<at::Tensor>> take_gradients(std::span<const ParameterGroup> groups) {
  std::vector<std::vector<at::Tensor>> taken;
  for (const auto& group : groups) {
    auto& row = taken.emplace_back();
    for (const auto& parameter : group.parameters) row.push_back(std::exchange(parameter.mutable_grad(), at::Tensor()));
  }
  return taken;
}

/// Two backward passes, one of the terms that belong to no modality and one of those that do; the parameters get the sum, the view
/// both parts. Gives back the number of passes.
inline std::int64_t backward_separately(const method::Terms& terms, std::span<const ParameterGroup> groups,
                                        LossScaler& scaler, method::GradientView& view) {
  method::Terms joint, own;
  for (const auto& term : terms) (term.modality ? own : joint).push_back(term);
  const auto joint_total = method::total(joint);
  const auto own_total = method::total(own);
  const bool has_own = own_total.defined() && own_total.requires_grad();
  std::vector<std::vector<at::Tensor>> joint_gradients;
  if (joint_total.defined() && joint_total.requires_grad()) {
    scaler.scale(joint_total).backward({}, /*retain_graph=*/has_own);
    scaler.unscale(groups);
    if (!has_own) return 1;
    joint_gradients = take_gradients(groups);
  }
  scaler.scale(own_total).backward();
  scaler.unscale(groups);
  if (joint_gradients.empty()) return 1;
  auto own_gradients = take_gradients(groups);
  const at::NoGradGuard no_grad;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t p = 0; p < groups[g].parameters.size(); ++p) {
      const auto& a = joint_gradients[g][p];
      const auto& b = own_gradients[g][p];
      groups[g].parameters[p].mutable_grad() = a.defined() && b.defined() ? a.add(b) : a.defined() ? a : b;
    }
  }
  view.set_separate(std::move(joint_gradients), std::move(own_gradients));
  return 2;
}

}  // namespace g2d::detail
