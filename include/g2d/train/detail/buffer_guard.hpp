// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/where.h>

#include <cstddef>
#include <utility>
#include <vector>

namespace g2d::detail {

/// Keeps the old values of buffers (norm statistics), to put them back when a step must not count.
class BufferGuard {
 public:
  explicit BufferGuard(std::vector<at::Tensor> buffers) : buffers_(std::move(buffers)) {}

  void save() {
    if (buffers_.empty()) return;
    at::NoGradGuard no_grad;
    if (saved_.empty() || saved_[0].device() != buffers_[0].device() ||
        saved_[0].scalar_type() != buffers_[0].scalar_type()) {
      saved_.clear();
      for (const auto& buffer : buffers_) saved_.push_back(at::empty_like(buffer));
    }
    at::_foreach_copy_(saved_, buffers_);
  }

  /// As data, so that the backward pass of a norm layer, which checks its buffers' versions without reading them, goes on.
  void restore() {
    if (buffers_.empty()) return;
    at::NoGradGuard no_grad;
    std::vector<at::Tensor> data;
    for (const auto& buffer : buffers_) data.push_back(buffer.variable_data());
    at::_foreach_copy_(data, saved_);
  }

  /// Puts the old values back where `is_bad` (0-dim bool) holds. In host memory it is read; on a device nothing waits.
  void restore_if(const at::Tensor& is_bad) {
    if (buffers_.empty()) return;
    if (is_bad.is_cpu()) {
      if (is_bad.item<bool>()) restore();
      return;
    }
    at::NoGradGuard no_grad;
    for (std::size_t i = 0; i < buffers_.size(); ++i) buffers_[i].copy_(at::where(is_bad, saved_[i], buffers_[i]));
  }

 private:
  std::vector<at::Tensor> buffers_;
  std::vector<at::Tensor> saved_;
};

}  // namespace g2d::detail
