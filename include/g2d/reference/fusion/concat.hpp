// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <numeric>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::reference::fusion {

/// One linear head on the features side by side.
///
///     logits = W [h_0, ..., h_{M-1}] + b = sum_m W[:, columns of m] h_m + b
///
/// Shapes     in: M features [B, widths[m]]; head sum_m widths[m] -> C; out: logits [B, C], features handed through.
/// Gradient   dL/dh_m = the columns of m in dL/dlogits W, plus what reaches the features that are handed on.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError without modalities.
struct Concat {
  std::vector<Eigen::Index> widths;
  Linear head;

  [[nodiscard]] Output forward(const PerModality& features) const {
    return {features, head.forward(side_by_side(features))};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    const Matrix input = side_by_side(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::Concat");
    const Matrix input_gradient = head.input_gradient(output_gradient.logits);
    Gradient gradient{output_gradient.features, {head.parameter_gradient(input, output_gradient.logits)}};
    for (std::size_t m = 0; m < widths.size(); ++m) {
      gradient.features[m] += input_gradient.middleCols(first_column(m), widths[m]);
    }
    return gradient;
  }

  [[nodiscard]] std::vector<Linear*> layers() { return {&head}; }

  /// [h_0, ..., h_{M-1}], [B, sum_m widths[m]].
  [[nodiscard]] Matrix side_by_side(const PerModality& features) const {
    check(features);
    Matrix joined(features[0].rows(), head.weight.cols());
    for (std::size_t m = 0; m < widths.size(); ++m) joined.middleCols(first_column(m), widths[m]) = features[m];
    return joined;
  }

  /// Where the columns of modality m begin in the head's weight.
  [[nodiscard]] Eigen::Index first_column(std::size_t m) const {
    return std::accumulate(widths.begin(), widths.begin() + static_cast<std::ptrdiff_t>(m), Eigen::Index{0});
  }

  /// Throws unless `features` and the head's weight are what `widths` says.
  void check(const PerModality& features) const {
    detail::check_features(features, widths, 1, "fusion::Concat");
    detail::check_shape(head.weight, head.bias.size(), first_column(widths.size()), "fusion::Concat: head weight");
  }
};

static_assert(FusionPolicy<Concat>);

}  // namespace g2d::reference::fusion
