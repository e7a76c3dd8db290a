// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/encoder/linear_tanh.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/train/student_gradient.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::train {

/// M encoders and the fusion on top of them.
template <FusionPolicy Fusion>
struct Student {
  std::vector<encoder::LinearTanh> encoders;
  Fusion head;

  /// h_m = encoder_m(x_m).
  ///
  /// Errors     ShapeError naming modality, expected and given shape.
  [[nodiscard]] PerModality encode(const PerModality& inputs) const {
    std::vector<Eigen::Index> widths;
    for (const encoder::LinearTanh& encoder : encoders) widths.push_back(encoder.layer.weight.cols());
    detail::check_features(inputs, widths, 1, "train::Student");
    PerModality features;
    for (std::size_t m = 0; m < encoders.size(); ++m) features.push_back(encoders[m].forward(inputs[m]));
    return features;
  }

  [[nodiscard]] fusion::Output forward(const PerModality& inputs) const { return head.forward(encode(inputs)); }

  /// From the gradient of a loss with respect to the outputs to that with respect to every parameter.
  [[nodiscard]] StudentGradient backward(const PerModality& inputs,
                                         const fusion::OutputGradient& output_gradient) const {
    const fusion::Gradient head_gradient = head.backward(encode(inputs), output_gradient);
    StudentGradient gradient{{}, head_gradient.layers};
    for (std::size_t m = 0; m < encoders.size(); ++m) {
      gradient.encoders.push_back(encoders[m].backward(inputs[m], head_gradient.features[m]));
    }
    return gradient;
  }
};

}  // namespace g2d::reference::train
