// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <torch/torch.h>

#include <array>

namespace g2d_test {

/// What two ways to compute the same numbers may differ by, as a check::Report measures it.
inline double tolerance(const at::TensorOptions& options) {
  if (c10::typeMetaToScalarType(options.dtype()) == at::kFloat) return 1e-4;
  return options.device().is_cpu() ? 1e-9 : 1e-8;
}

/// Both precisions on one device.
inline std::array<at::TensorOptions, 2> precisions(at::Device device) {
  return {at::TensorOptions().device(device).dtype(at::kFloat), at::TensorOptions().device(device).dtype(at::kDouble)};
}

}  // namespace g2d_test
