// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdint>
#include <string>
#include <vector>

#include <g2d/core/fingerprint.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::transform::detail {

/// The values themselves where they are few, else their shape and a hash.
inline std::string describe_values(const at::Tensor& values) {
  constexpr std::int64_t most_shown = 8;
  if (values.numel() > most_shown) return to_string(values.sizes()) + " #" + Fingerprint().add(values).str();
  const auto shown = values.to(at::kCPU, at::kDouble).contiguous().resolve_neg();
  const auto* first = shown.const_data_ptr<double>();
  return fmt::format("[{}]", fmt::join(std::vector<double>(first, first + shown.numel()), ", "));
}

}  // namespace g2d::transform::detail
