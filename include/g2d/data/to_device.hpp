// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/batch.hpp>

namespace g2d::data {

/// The batch on `device`, without waiting; nothing is copied when it is there. Sample ids stay in host memory.
[[nodiscard]] inline Batch to_device(Batch batch, at::Device device) {
  const auto move = [&](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.to(device, /*non_blocking=*/true);
  };
  for (auto& input : batch.inputs) {
    move(input.values);
    move(input.lengths);
  }
  move(batch.target);
  move(batch.present);
  return batch;
}

}  // namespace g2d::data
