// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/_foreach_mul.h>
#include <fmt/format.h>

#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/suppression/parameter_filter.hpp>

namespace g2d::method {

/// The gradients of a step, after the backward pass and before the update.
///
/// Errors     ConfigError when the gradients of a modality are asked for whose encoder another modality shares: they
///            are sums that cannot be told apart any more.
class GradientView {
 public:
  GradientView(std::span<const ParameterGroup> groups, const ModalityNames& names)
      : groups_(groups), names_(names), coefficients_(names.size()) {}

  /// Calls visit(gradient) for the gradients of modality m that the filter admits.
  template <class Visitor>
  void for_each(std::size_t m, suppression::ParameterFilter filter, Visitor&& visit) const {
    for (const auto& group : groups_) {
      if (!touches(group, m, filter)) continue;
      for (const auto& parameter : group.parameters) {
        auto& gradient = parameter.mutable_grad();
        if (gradient.defined() && filter.admits(parameter.dim())) visit(gradient);
      }
    }
  }

  /// Calls visit(gradient, joint, own) for the gradients of modality m: the sum, what came from the terms of no
  /// modality and what came from those of one. Only where both exist; a policy asks for it by
  /// `Needs::separate_gradients`.
  template <class Visitor>
  void for_each_separate(std::size_t m, suppression::ParameterFilter filter, Visitor&& visit) const {
    for (std::size_t g = 0; g < joint_.size(); ++g) {
      if (!touches(groups_[g], m, filter)) continue;
      for (std::size_t p = 0; p < joint_[g].size(); ++p) {
        const auto& parameter = groups_[g].parameters[p];
        auto& gradient = parameter.mutable_grad();
        if (gradient.defined() && joint_[g][p].defined() && own_[g][p].defined() && filter.admits(parameter.dim())) {
          visit(gradient, joint_[g][p], own_[g][p]);
        }
      }
    }
  }

  /// All groups of the step, to reach what belongs to no modality.
  [[nodiscard]] std::span<const ParameterGroup> groups() const { return groups_; }

  /// What Step found before it added the two up: a tensor, or an undefined one, for each parameter of each group.
  void set_separate(std::vector<std::vector<at::Tensor>> joint, std::vector<std::vector<at::Tensor>> own) {
    joint_ = std::move(joint);
    own_ = std::move(own);
  }

  /// g <- kappa g for the gradients of modality m that the filter admits; kappa is 0-dim and stays on its device. Where
  /// there are none, nothing is scaled and no coefficient is reported.
  void scale(std::size_t m, const at::Tensor& coefficient, suppression::ParameterFilter filter) {
    std::vector<at::Tensor> gradients;
    for_each(m, filter, [&](at::Tensor& gradient) { gradients.push_back(gradient); });
    if (gradients.empty()) return;
    at::_foreach_mul_(gradients, coefficient);
    coefficients_[m] = coefficients_[m].defined() ? coefficients_[m].mul(coefficient) : coefficient;
  }

  /// What the gradients of each modality were multiplied by; undefined: nothing.
  [[nodiscard]] const PerModality<at::Tensor>& coefficients() const { return coefficients_; }

 private:
  [[nodiscard]] bool touches(const ParameterGroup& group, std::size_t m, suppression::ParameterFilter filter) const {
    if (!filter.reaches(group, m)) return false;
    if (group.role == ParameterGroup::Role::Encoder && group.modalities.size() > 1) {
      throw ConfigError(
          fmt::format("g2d: modality \"{}\": its encoder also serves \"{}\", so that its gradients cannot be scaled "
                      "alone; give it an "
                      "encoder of its own, or use Complete suppression",
                      names_[m], names_[group.modalities[0] == m ? group.modalities[1] : group.modalities[0]]));
    }
    return true;
  }

  std::span<const ParameterGroup> groups_;
  const ModalityNames& names_;
  std::vector<std::vector<at::Tensor>> joint_, own_;
  PerModality<at::Tensor> coefficients_;
};

}  // namespace g2d::method
