// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/detail/mean_of_others.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/sigmoid.hpp>

namespace g2d::reference::fusion {

/// Every modality is projected to one width; one of them, c, gates the mean of the others.
///
///     g_m    = P_m h_m + p_m
///     logits = W (sigmoid(g_c) * mean_{m != c} g_m) + b
///
/// Shapes     in: M >= 2 features [B, D_m]; projections[m] D_m -> D; output D -> C;
///            out: logits [B, C]; the features handed on are the projected g_m [B, D].
/// Gradient   with u = dL/dlogits W and s = sigmoid(g_c): dL/dg_c = u * mean * s (1 - s), dL/dg_m = u * s / (M - 1)
///            for m != c, plus what reaches the projected features; dL/dh_m = dL/dg_m P_m.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError for M < 2 or conditioning >= M.
/// Source     Kiela et al. 2018, arXiv:1802.02892; for M = 2 as in the authors' code, where audio gates.
struct Gated {
  std::vector<Linear> projections;
  Linear output;
  std::size_t conditioning = 0;

  [[nodiscard]] Output forward(const PerModality& features) const {
    const PerModality projected = project(features);
    const Matrix mean = detail::mean_of_others(projected, conditioning);
    return {projected, output.forward(sigmoid(projected[conditioning]).cwiseProduct(mean))};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    const PerModality projected = project(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::Gated");
    const Matrix mean = detail::mean_of_others(projected, conditioning);
    const Matrix gate = sigmoid(projected[conditioning]);
    const Matrix gate_slope = gate.array() * (1.0 - gate.array());
    const Matrix gated_gradient = output.input_gradient(output_gradient.logits);

    Gradient gradient;
    for (std::size_t m = 0; m < features.size(); ++m) {
      const Matrix projected_gradient =
          output_gradient.features[m] +
          (m == conditioning ? Matrix(gated_gradient.cwiseProduct(mean).cwiseProduct(gate_slope))
                             : Matrix(gated_gradient.cwiseProduct(gate) / static_cast<double>(features.size() - 1)));
      gradient.features.push_back(projections[m].input_gradient(projected_gradient));
      gradient.layers.push_back(projections[m].parameter_gradient(features[m], projected_gradient));
    }
    gradient.layers.push_back(output.parameter_gradient(gate.cwiseProduct(mean), output_gradient.logits));
    return gradient;
  }

  /// The projections in the modalities' order, then the output layer.
  [[nodiscard]] std::vector<Linear*> layers() {
    std::vector<Linear*> all;
    for (Linear& projection : projections) all.push_back(&projection);
    all.push_back(&output);
    return all;
  }

  /// g_m = P_m h_m + p_m.
  [[nodiscard]] PerModality project(const PerModality& features) const {
    check(features);
    PerModality projected;
    for (std::size_t m = 0; m < features.size(); ++m) projected.push_back(projections[m].forward(features[m]));
    return projected;
  }

  /// Throws unless `features` are what the projections expect.
  void check(const PerModality& features) const {
    std::vector<Eigen::Index> widths;
    for (const Linear& projection : projections) widths.push_back(projection.weight.cols());
    detail::check_features(features, widths, 2, "fusion::Gated");
    detail::check_index(conditioning, widths.size(), "gating modality", "fusion::Gated");
    for (const Linear& projection : projections) {
      detail::check_shape(projection.weight, output.weight.cols(), projection.weight.cols(),
                          "fusion::Gated: projection weight");
    }
  }
};

static_assert(FusionPolicy<Gated>);

}  // namespace g2d::reference::fusion
