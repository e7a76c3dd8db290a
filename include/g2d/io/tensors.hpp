// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/ordered_dict.h>

#include <functional>
#include <string>

namespace g2d::io {

/// Tensors by name, in an order: what a file of weights holds, and what Python calls a state_dict.
using Tensors = torch::OrderedDict<std::string, at::Tensor>;

/// Which of a file's tensors are read, by name; empty: all. Those that nobody asks for may be of any dtype.
using Wanted = std::function<bool(const std::string&)>;

}  // namespace g2d::io
