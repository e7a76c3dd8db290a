// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include <g2d/core/linear.hpp>
#include <g2d/core/parameter.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/fusion/fusion_shape.hpp>

namespace g2d::fusion::detail {

/// One linear layer for each modality, drawn in declared order.
class Heads {
 public:
  Heads(const FusionShape& shape, std::int64_t out_features) {
    for (const auto width : shape.feature_widths()) heads_.emplace_back(width, out_features);
  }

  [[nodiscard]] const Linear& operator[](std::size_t m) const { return heads_[m]; }

  [[nodiscard]] PerModality<at::Tensor> operator()(ModalitySpan<at::Tensor> features) const {
    PerModality<at::Tensor> outputs;
    for (std::size_t m = 0; m < heads_.size(); ++m) outputs.push_back(heads_[m](features[m]));
    return outputs;
  }

  [[nodiscard]] Parameters parameters(const ModalityNames& names) const {
    Parameters parameters;
    for (std::size_t m = 0; m < heads_.size(); ++m) heads_[m].append_to(parameters, names[m], m);
    return parameters;
  }

 private:
  std::vector<Linear> heads_;
};

}  // namespace g2d::fusion::detail
