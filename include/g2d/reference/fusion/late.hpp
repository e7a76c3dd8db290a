// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::reference::fusion {

/// Every modality decides through its own linear head; the decisions are averaged.
///
///     logits = 1/M sum_m (W_m h_m + b_m)
///
/// Shapes     in: M features [B, D_m]; heads[m] D_m -> C; out: logits [B, C], features handed through.
/// Gradient   dL/dh_m = 1/M dL/dlogits W_m, plus what reaches the features that are handed on.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError without heads.
struct Late {
  std::vector<Linear> heads;

  [[nodiscard]] Output forward(const PerModality& features) const {
    check(features);
    Matrix sum = heads[0].forward(features[0]);
    for (std::size_t m = 1; m < heads.size(); ++m) sum += heads[m].forward(features[m]);
    return {features, sum / static_cast<double>(heads.size())};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    check(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::Late");
    const Matrix head_gradient = output_gradient.logits / static_cast<double>(heads.size());
    Gradient gradient{output_gradient.features, {}};
    for (std::size_t m = 0; m < heads.size(); ++m) {
      gradient.features[m] += heads[m].input_gradient(head_gradient);
      gradient.layers.push_back(heads[m].parameter_gradient(features[m], head_gradient));
    }
    return gradient;
  }

  [[nodiscard]] std::vector<Linear*> layers() {
    std::vector<Linear*> all;
    for (Linear& head : heads) all.push_back(&head);
    return all;
  }

  /// Throws unless `features` are what the heads expect.
  void check(const PerModality& features) const {
    std::vector<Eigen::Index> widths;
    for (const Linear& head : heads) widths.push_back(head.weight.cols());
    detail::check_features(features, widths, 1, "fusion::Late");
  }
};

static_assert(FusionPolicy<Late>);

}  // namespace g2d::reference::fusion
