// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/modality_names.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/core/parameter_group.hpp>
#include <g2d/encoder/encoder.hpp>

namespace g2d::detail {

[[nodiscard]] inline std::unordered_set<at::TensorImpl*> parameter_set(const torch::nn::Module& module) {
  std::unordered_set<at::TensorImpl*> set;
  for (const auto& parameter : module.parameters()) set.insert(parameter.unsafeGetTensorImpl());
  return set;
}

/// Each tensor once, where it comes first: a module that is registered under two names lists its parameters twice.
[[nodiscard]] inline std::vector<at::Tensor> distinct(const std::vector<at::Tensor>& tensors) {
  std::unordered_set<at::TensorImpl*> known;
  std::vector<at::Tensor> each;
  for (const auto& tensor : tensors) {
    if (known.insert(tensor.unsafeGetTensorImpl()).second) each.push_back(tensor);
  }
  return each;
}

/// Two encoders have the same parameters or none in common: a part that two modalities share could be frozen for
/// neither.
inline void check_sharing(const std::vector<Encoder>& encoders, const ModalityNames& names) {
  std::vector<std::unordered_set<at::TensorImpl*>> sets;
  for (const auto& encoder : encoders) sets.push_back(parameter_set(*encoder.module()));
  for (std::size_t a = 0; a < sets.size(); ++a) {
    for (std::size_t b = a + 1; b < sets.size(); ++b) {
      const bool overlap = std::any_of(sets[a].begin(), sets[a].end(), [&](auto* p) { return sets[b].contains(p); });
      if (overlap && sets[a] != sets[b]) {
        throw ConfigError(
            fmt::format("g2d: Student: modalities \"{}\" and \"{}\": expected encoders that share all parameters or "
                        "none, got some in "
                        "common, so that neither could be frozen alone; share the whole encoder",
                        names[a], names[b]));
      }
    }
  }
}

/// One group for each distinct encoder, named after its first modality's, or all that share it
/// ("encoder.front+kitchen").
[[nodiscard]] inline std::vector<ParameterGroup> encoder_groups(const std::vector<Encoder>& encoders,
                                                                const ModalityNames& names) {
  std::vector<ParameterGroup> groups;
  for (std::size_t m = 0; m < encoders.size(); ++m) {
    auto parameters = distinct(encoders[m].module()->parameters());
    const auto shared = std::find_if(groups.begin(), groups.end(), [&](const ParameterGroup& group) {
      return !parameters.empty() && !group.parameters.empty() && group.parameters[0].is_same(parameters[0]);
    });
    if (shared != groups.end()) {
      shared->modalities.push_back(m);
      shared->name += "+" + names[m];
    } else {
      groups.push_back({"encoder." + names[m],
                        ParameterGroup::Role::Encoder,
                        {m},
                        std::move(parameters),
                        encoders[m].learning_rate_factor()});
    }
  }
  return groups;
}

/// Whose a policy's tensor is: no modality's where it is listed for several.
[[nodiscard]] inline std::optional<std::size_t> owner_of(const at::Tensor& tensor, const Parameters& parameters) {
  std::optional<std::size_t> owner;
  bool is_known = false;
  for (const auto& parameter : parameters) {
    if (!parameter.value.is_same(tensor)) continue;
    if (is_known && parameter.modality != owner) return std::nullopt;
    owner = parameter.modality;
    is_known = true;
  }
  return owner;
}

/// The tensors of a policy that no group holds yet: one group for each modality's own, one for the rest.
inline void append_policy_groups(std::vector<ParameterGroup>& groups, const std::string& name,
                                 const Parameters& parameters, const ModalityNames& names) {
  std::unordered_set<at::TensorImpl*> known;
  for (const auto& group : groups) {
    for (const auto& parameter : group.parameters) known.insert(parameter.unsafeGetTensorImpl());
  }
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters) {
    if (known.insert(parameter.value.unsafeGetTensorImpl()).second) tensors.push_back(parameter.value);
  }
  const auto append = [&](const std::string& group_name, std::optional<std::size_t> modality) {
    ParameterGroup group;
    group.name = group_name;
    if (modality) {
      group.role = ParameterGroup::Role::Head;
      group.modalities = {*modality};
    }
    for (const auto& tensor : tensors) {
      if (owner_of(tensor, parameters) == modality) group.parameters.push_back(tensor);
    }
    if (!group.parameters.empty()) groups.push_back(std::move(group));
  };
  for (std::size_t m = 0; m < names.size(); ++m) append(name + "." + names[m], m);
  append(name, std::nullopt);
}

}  // namespace g2d::detail
