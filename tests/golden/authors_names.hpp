// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <torch/nn/module.h>

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "golden/comparison.hpp"

namespace g2d_test {

/// What a name begins with in the authors' Python, and in g2d.
using Prefixes = std::vector<std::pair<std::string, std::string>>;

inline const Prefixes student_prefixes{
    {"audio_net.", "encoders.audio."},        {"visual_net.", "encoders.visual."},
    {"fusion_module.fc_x.", "fusion.audio."}, {"fusion_module.fc_y.", "fusion.visual."},
    {"fusion_module.fc.", "fusion.film."},    {"fusion_module.fc_out.", "fusion.output."}};

[[nodiscard]] inline Prefixes teacher_prefixes(const std::string& modality) {
  return {{"net.", "encoders." + modality + "."}, {"classifier.", "fusion." + modality + "."}};
}

[[nodiscard]] inline std::string our_name(std::string_view theirs, const Prefixes& prefixes) {
  for (const auto& [begin, ours] : prefixes) {
    if (theirs.starts_with(begin)) return ours + std::string(theirs.substr(begin.size()));
  }
  FAIL("no tensor of g2d corresponds to " << theirs);
  return {};
}

/// All parameters and buffers of a module by name.
[[nodiscard]] inline std::map<std::string, at::Tensor> state(const torch::nn::Module& module) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& item : module.named_parameters()) tensors[item.key()] = item.value();
  for (const auto& item : module.named_buffers()) tensors[item.key()] = item.value();
  return tensors;
}

/// Calls visit(name in Python, our tensor, their value) for all tensors; both sides must have the same ones.
template <class Value, class Visitor>
void for_each_pair(const torch::nn::Module& module, const std::map<std::string, Value>& theirs,
                   const Prefixes& prefixes, Visitor&& visit) {
  auto ours = state(module);
  for (const auto& [name, value] : theirs) {
    INFO(name);
    const auto found = ours.find(our_name(name, prefixes));
    REQUIRE(found != ours.end());
    visit(name, found->second, value);
    ours.erase(found);
  }
  for (const auto& [name, tensor] : ours) {
    INFO(name << " of g2d has no counterpart in Python");
    CHECK(name.ends_with("num_batches_tracked"));
  }
}

/// Gives a module the weights and buffers of the authors' model.
inline void load(torch::nn::Module& module, const std::map<std::string, at::Tensor>& theirs, const Prefixes& prefixes) {
  const at::NoGradGuard no_grad;
  for_each_pair(module, theirs, prefixes, [](const std::string&, at::Tensor& ours, const at::Tensor& value) {
    REQUIRE(ours.sizes() == value.sizes());
    ours.copy_(value);
  });
}

}  // namespace g2d_test
