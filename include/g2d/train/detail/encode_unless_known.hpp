// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>

#include <g2d/core/batch.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/train/detail/stage_features.hpp>

namespace g2d::detail {

/// The features of all modalities in the modes that the encoders are in; `rows` are the batch's rows of its dataset.
template <class Student>
[[nodiscard]] PerModality<at::Tensor> encode_unless_known(Student& student, const Batch& batch, const at::Tensor& rows,
                                                          StageFeatures* known) {
  if (known == nullptr) return student.encode(batch.inputs, batch.present);
  auto features =
      known->features(rows, [&](std::size_t m) { return student.encode_present(m, batch.inputs[m], batch.present); });
  for (std::size_t m = 0; m < features.size(); ++m) {
    features[m] = features[m].defined() ? student.replace_absent(m, features[m], batch.present)
                                        : student.encode(m, batch.inputs[m], batch.present);
  }
  return features;
}

}  // namespace g2d::detail
