// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/where.h>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace g2d {

/// What one modality gives for a batch: values [B, ...] of any rank, and for sequences their valid lengths, int64 [B].
struct Input {
  Input() = default;
  Input(at::Tensor values_, at::Tensor lengths_ = {})  // NOLINT(google-explicit-constructor): a tensor is an input
      : values(std::move(values_)), lengths(std::move(lengths_)) {}

  at::Tensor values;
  at::Tensor lengths;
};

/// Zeros where a sample lacks the modality, so that whatever stands there, NaN above all, reaches no feature and no
/// gradient. `present`: bool [B], or undefined when every sample has it.
[[nodiscard]] inline Input without_absent(const Input& input, const at::Tensor& present) {
  if (!present.defined()) return input;
  std::vector<std::int64_t> column(static_cast<std::size_t>(input.values.dim()), 1);
  column[0] = present.size(0);
  return {at::where(present.view(column), input.values, input.values.new_zeros({})), input.lengths};
}

}  // namespace g2d
