// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include <g2d/data/splits.hpp>

namespace g2d::dataset {

/// Digits that are heard and seen. All tensors hold the same N samples in the same order.
struct AudioVisualSplit {
  at::Tensor audio;       ///< float32 [N, 1, F, T]: standardised log-spectrograms, with noise.
  at::Tensor image;       ///< float32 [N, 1, 28, 28]: standardised, with noise.
  at::Tensor labels;      ///< int64 [N], 0 to 9.
  at::Tensor sample_ids;  ///< int64 [N]: training samples from 0 on, then validation, then test; no id occurs twice.
};

/// The three splits, and in words everything that was done to make them: two datasets with one description are equal
/// where the files and the library version are.
struct AudioVisualDigits {
  data::Splits<AudioVisualSplit> splits;
  std::string description;
};

}  // namespace g2d::dataset
