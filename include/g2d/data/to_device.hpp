// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/batch.hpp>
#include <g2d/data/detail/each_tensor.hpp>

namespace g2d::data {

/// The batch on `device`, without waiting; nothing is copied when it is there. Sample ids stay in host memory.
[[nodiscard]] inline Batch to_device(Batch batch, at::Device device) {
  detail::each_tensor(batch, [&](at::Tensor& tensor) { tensor = tensor.to(device, /*non_blocking=*/true); });
  return batch;
}

}  // namespace g2d::data
