// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

#include <g2d/core/batch.hpp>

namespace g2d::data::detail {

/// The batch in page-locked memory, where that is asked for. Sample ids never leave the host.
[[nodiscard]] inline Batch pin_if(bool pins, Batch batch) {
  if (!pins) return batch;
  const auto pin = [](at::Tensor& tensor) {
    if (tensor.defined()) tensor = tensor.pin_memory();
  };
  for (auto& input : batch.inputs) {
    pin(input.values);
    pin(input.lengths);
  }
  pin(batch.target);
  pin(batch.present);
  return batch;
}

}  // namespace g2d::data::detail
