// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace g2d {

/// What one modality gives for a batch: values [B, ...] of any rank, and for sequences their valid lengths, int64 [B].
struct Input {
  Input() = default;
  Input(at::Tensor values_, at::Tensor lengths_ = {})  // NOLINT(google-explicit-constructor): a tensor is an input
      : values(std::move(values_)), lengths(std::move(lengths_)) {}

  at::Tensor values;
  at::Tensor lengths;
};

}  // namespace g2d
