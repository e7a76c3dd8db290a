// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>

#include <string_view>

#include <g2d/core/error.hpp>

namespace g2d::io::detail {

/// The values of a dense tensor as one contiguous piece of host memory that holds nothing else; what is conjugated or
/// negated lazily is so in the bytes. Errors: ShapeError.
inline at::Tensor to_host(std::string_view where, std::string_view name, const at::Tensor& tensor) {
  if (!tensor.defined() || tensor.layout() != at::kStrided) {
    throw ShapeError(fmt::format("g2d: {}: tensor \"{}\": expected a dense tensor, got {}", where, name,
                                 tensor.defined() ? "a sparse one" : "none"));
  }
  auto host = tensor.detach().cpu().contiguous().resolve_conj().resolve_neg();
  return host.storage().nbytes() == host.nbytes() ? host : host.clone();
}

}  // namespace g2d::io::detail
