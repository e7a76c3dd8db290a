// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/nn/module.h>

#include <memory>
#include <string>

#include <g2d/core/parameter.hpp>

namespace g2d::detail {

/// A module that only holds parameters and children: what a policy's tensors are registered in.
class ParameterHolder : public torch::nn::Module {
 public:
  /// Registers `value` under a dotted name, making one child for each part but the last.
  void add(const std::string& name, const at::Tensor& value) {
    const auto dot = name.find('.');
    if (dot == std::string::npos) {
      register_parameter(name, value, value.requires_grad());
      return;
    }
    const auto child_name = name.substr(0, dot);
    auto* existing = children_.find(child_name);
    auto child = existing != nullptr
                     ? *existing
                     : children_.insert(child_name, register_module(child_name, std::make_shared<ParameterHolder>()));
    child->add(name.substr(dot + 1), value);
  }

 private:
  torch::OrderedDict<std::string, std::shared_ptr<ParameterHolder>> children_;
};

/// Registers a policy's parameters below `parent` as the child `name`; nothing is registered when there are none.
inline void register_parameters(torch::nn::Module& parent, const std::string& name, const Parameters& parameters) {
  if (parameters.empty()) return;
  auto holder = std::make_shared<ParameterHolder>();
  for (const auto& parameter : parameters) holder->add(parameter.name, parameter.value);
  parent.register_module(name, holder);
}

}  // namespace g2d::detail
