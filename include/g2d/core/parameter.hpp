// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace g2d {

/// A trainable tensor of a policy, with its dotted checkpoint name ("audio.weight").
struct Parameter {
  std::string name;
  at::Tensor value;
  std::optional<std::size_t> modality;  ///< Set when the tensor belongs to one modality's head.
};

using Parameters = std::vector<Parameter>;

}  // namespace g2d
