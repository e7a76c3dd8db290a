// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/_foreach_copy.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace g2d::detail {

/// Keeps the old values of buffers (norm statistics), to put them back when a step must not count.
///
/// Cost       a few kernels for each dtype, however many buffers: LibTorch copies lists of one dtype together. None of
///            its operators on lists selects (those that multiply keep a NaN), so that copies lie side by side in one
///            tensor, where one `where` does.
class BufferGuard {
 public:
  explicit BufferGuard(std::vector<at::Tensor> buffers) : buffers_(std::move(buffers)) {}

  void save() {
    const at::NoGradGuard no_grad;
    if (std::any_of(groups_.begin(), groups_.end(), [](const Group& group) { return group.has_moved(); }))
      groups_.clear();
    if (groups_.empty()) group_by_dtype();
    for (auto& group : groups_) at::_foreach_copy_(group.saved.each, group.buffers);
  }

  /// As data, so that the backward pass of a norm layer, which checks its buffers' versions without reading them, goes
  /// on.
  void restore() {
    const at::NoGradGuard no_grad;
    for (const auto& group : groups_) {
      std::vector<at::Tensor> data;
      for (const auto& buffer : group.buffers) data.push_back(buffer.variable_data());
      at::_foreach_copy_(data, group.saved.each);
    }
  }

  /// Puts the old values back where `is_bad` (0-dim) is not 0. In host memory it is read; on a device nothing waits.
  void restore_if(const at::Tensor& is_bad) {
    if (groups_.empty()) return;
    if (!is_bad.is_cpu()) return select(is_bad.to(at::kBool));
    if (is_bad.item<bool>()) restore();
  }

  /// The same without reading `is_bad` (0-dim bool).
  void select(const at::Tensor& is_bad) {
    const at::NoGradGuard no_grad;
    for (auto& group : groups_) {
      if (!group.now.all.defined()) group.now = Copies(group.buffers);
      at::_foreach_copy_(group.now.each, group.buffers);
      group.now.all.copy_(at::where(is_bad, group.saved.all, group.now.all));
      at::_foreach_copy_(group.buffers, group.now.each);
    }
  }

 private:
  /// Tensors of one dtype, side by side.
  struct Copies {
    at::Tensor all;
    std::vector<at::Tensor> each;  ///< Its parts, in the buffers' shapes.

    Copies() = default;
    explicit Copies(const std::vector<at::Tensor>& tensors) {
      std::int64_t count = 0, begin = 0;
      for (const auto& tensor : tensors) count += tensor.numel();
      all = at::empty({count}, tensors[0].options());
      for (const auto& tensor : tensors) {
        each.push_back(all.narrow(0, begin, tensor.numel()).view(tensor.sizes()));
        begin += tensor.numel();
      }
    }
  };

  struct Group {
    std::vector<at::Tensor> buffers;
    Copies saved;
    Copies now;  ///< Scratch of `select`, made when it is called first.

    [[nodiscard]] bool has_moved() const {
      return buffers[0].device() != saved.all.device() || buffers[0].scalar_type() != saved.all.scalar_type();
    }
  };

  void group_by_dtype() {
    for (const auto& buffer : buffers_) {
      const auto has_its_dtype = [&](const Group& group) {
        return group.buffers[0].scalar_type() == buffer.scalar_type();
      };
      auto group = std::find_if(groups_.begin(), groups_.end(), has_its_dtype);
      if (group == groups_.end()) group = groups_.insert(group, Group());
      group->buffers.push_back(buffer);
    }
    for (auto& group : groups_) group.saved = Copies(group.buffers);
  }

  std::vector<at::Tensor> buffers_;
  std::vector<Group> groups_;
};

}  // namespace g2d::detail
