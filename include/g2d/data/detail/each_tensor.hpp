// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <g2d/core/batch.hpp>

namespace g2d::data::detail {

/// Visits the tensors of a batch that a device may hold: all but the sample ids, which never leave the host.
template <class Visitor>
void each_tensor(Batch& batch, Visitor&& visit) {
  const auto visit_defined = [&](at::Tensor& tensor) {
    if (tensor.defined()) visit(tensor);
  };
  for (auto& input : batch.inputs) {
    visit_defined(input.values);
    visit_defined(input.lengths);
  }
  visit_defined(batch.target);
  visit_defined(batch.present);
}

}  // namespace g2d::data::detail
