// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include <g2d/core/batch.hpp>
#include <g2d/data/detail/each_tensor.hpp>

namespace g2d::data::detail {

/// The batch in page-locked memory, where that is asked for.
[[nodiscard]] inline Batch pin_if(bool pins, Batch batch) {
  if (pins) each_tensor(batch, [](at::Tensor& tensor) { tensor = tensor.pin_memory(); });
  return batch;
}

}  // namespace g2d::data::detail
