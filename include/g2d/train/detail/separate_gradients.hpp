// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_add.h>

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

/// The parameters get the sums of both, all in one call, or what is there of them.
inline void put_sums(std::span<const ParameterGroup> groups, const std::vector<std::vector<at::Tensor>>& joint,
                     const std::vector<std::vector<at::Tensor>>& own) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> parameters, left, right;
  for (std::size_t g = 0; g < groups.size(); ++g) {
    for (std::size_t p = 0; p < groups[g].parameters.size(); ++p) {
      const auto& parameter = groups[g].parameters[p];
      if (joint[g][p].defined() && own[g][p].defined()) {
        parameters.push_back(parameter);
        left.push_back(joint[g][p]);
        right.push_back(own[g][p]);
      } else {
        parameter.mutable_grad() = joint[g][p].defined() ? joint[g][p] : own[g][p];
      }
    }
  }
  if (parameters.empty()) return;
  auto sums = at::_foreach_add(left, right);
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].mutable_grad() = std::move(sums[i]);
}

/// Two backward passes, one of the terms that belong to no modality and one of those that do; the parameters get the
/// sum, the view both parts; `found` notes what the scaler finds. Gives back the number of passes.
inline std::int64_t backward_separately(const method::Terms& terms, std::span<const ParameterGroup> groups,
                                        LossScaler& scaler, const at::Tensor& found, method::GradientView& view) {
  method::Terms joint, own;
  for (const auto& term : terms) (term.modality ? own : joint).push_back(term);
  const auto joint_total = method::total(joint);
  const auto own_total = method::total(own);
  const bool has_own = own_total.defined() && own_total.requires_grad();
  std::vector<std::vector<at::Tensor>> joint_gradients;
  if (joint_total.defined() && joint_total.requires_grad()) {
    scaler.scale(joint_total).backward({}, /*retain_graph=*/has_own);
    scaler.unscale(groups, found);
    if (!has_own) return 1;
    joint_gradients = take_gradients(groups);
  }
  scaler.scale(own_total).backward();
  scaler.unscale(groups, found);
  if (joint_gradients.empty()) return 1;
  auto own_gradients = take_gradients(groups);
  put_sums(groups, joint_gradients, own_gradients);
  view.set_separate(std::move(joint_gradients), std::move(own_gradients));
  return 2;
}

}  // namespace g2d::detail
