// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/log_softmax.h>

namespace g2d {

/// log softmax over the last dimension, computed once for all loss terms of a step that ask for the same logits.
class SharedLogSoftmax {
 public:
  [[nodiscard]] const at::Tensor& of(const at::Tensor& logits) const {
    if (!logits.is_same(logits_)) {
      logits_ = logits;
      values_ = at::log_softmax(logits, -1);
    }
    return values_;
  }

 private:
  mutable at::Tensor logits_;
  mutable at::Tensor values_;
};

}  // namespace g2d
