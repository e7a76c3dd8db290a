// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/InferenceMode.h>

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace g2d {

/// A constant that is used on whatever device, in whatever dtype, the numbers beside it have. It is copied there at the
/// first call: a copy from host memory waits for the device, once instead of in every step.
///
/// The tensor is not to be written to afterwards. Copies of the constant share its tensors; safe to call from several
/// threads.
class DeviceConstant {
 public:
  DeviceConstant() = default;
  explicit DeviceConstant(at::Tensor value) : value_(std::move(value)) {}

  [[nodiscard]] bool defined() const { return value_.defined(); }

  /// On the device and in the dtype of `other`.
  [[nodiscard]] at::Tensor like(const at::Tensor& other) const {
    if (fits(value_, other)) return value_;
    const std::scoped_lock lock(copies_->mutex);
    for (const auto& copy : copies_->tensors) {
      if (fits(copy, other)) return copy;
    }
    // The copy serves training, too, whoever asks for it first.
    const c10::InferenceMode no_inference(false);
    return copies_->tensors.emplace_back(value_.detach().to(other.device(), other.scalar_type()));
  }

 private:
  struct Copies {
    std::mutex mutex;
    std::vector<at::Tensor> tensors;
  };

  [[nodiscard]] static bool fits(const at::Tensor& value, const at::Tensor& other) {
    return value.device() == other.device() && value.scalar_type() == other.scalar_type();
  }

  at::Tensor value_;
  std::shared_ptr<Copies> copies_ = std::make_shared<Copies>();
};

}  // namespace g2d
