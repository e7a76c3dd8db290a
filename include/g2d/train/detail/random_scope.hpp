// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Context.h>
#include <ATen/core/Generator.h>
#include <ATen/core/Tensor.h>

#include <mutex>
#include <utility>
#include <vector>

namespace g2d::detail {

/// Puts LibTorch's generators of the host and of a device back at the end, so that what draws numbers within changes
/// nothing after.
class RandomScope {
 public:
  explicit RandomScope(at::Device device) {
    keep(at::kCPU);
    if (!device.is_cpu()) keep(device);
  }
  RandomScope(const RandomScope&) = delete;
  RandomScope& operator=(const RandomScope&) = delete;
  ~RandomScope() {
    for (auto& [generator, state] : kept_) {
      const std::scoped_lock lock(generator.mutex());
      generator.set_state(state);
    }
  }

 private:
  void keep(at::Device device) {
    auto generator = at::globalContext().defaultGenerator(device);
    const std::scoped_lock lock(generator.mutex());
    kept_.emplace_back(generator, generator.get_state());
  }

  std::vector<std::pair<at::Generator, at::Tensor>> kept_;
};

}  // namespace g2d::detail
