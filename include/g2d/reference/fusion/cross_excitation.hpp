// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <numeric>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/sigmoid.hpp>

namespace g2d::reference::fusion {

/// What all modalities say, squeezed, gates the features of each; every modality decides through its own head, and the
/// decisions are averaged.
///
///     u      = max(S [h_0, ..., h_{M-1}] + s, 0)
///     gate_m = sigmoid(E_m u + e_m)
///     g_m    = gate_m * h_m
///     logits = 1/M sum_m (W_m g_m + b_m)
///
/// Shapes     in: M >= 2 features [B, D_m]; squeeze sum_m D_m -> U; excites[m] U -> D_m; heads[m] D_m -> C;
///            out: logits [B, C]; the features handed on are the gated g_m [B, D_m].
/// Gradient   with v_m = 1/M dL/dlogits W_m plus what reaches g_m: dL/dh_m = v_m * gate_m plus the columns of m in what
///            reaches the squeeze, dL/d(E_m u + e_m) = v_m * h_m * gate_m (1 - gate_m), dL/du the sum over m of that
///            E_m.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError for M < 2.
/// Source     Joze et al. 2020, arXiv:1911.08670, for M = 2; as used in Wu et al. 2022, arXiv:2202.05306.
struct CrossExcitation {
  Linear squeeze;
  std::vector<Linear> excites;
  std::vector<Linear> heads;

  [[nodiscard]] Output forward(const PerModality& features) const {
    const PerModality handed_on = gated(features, gates(squeezed(features)));
    Matrix sum = heads[0].forward(handed_on[0]);
    for (std::size_t m = 1; m < heads.size(); ++m) sum += heads[m].forward(handed_on[m]);
    return {handed_on, sum / static_cast<double>(heads.size())};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    const Matrix code = squeezed(features);
    const PerModality gate = gates(code);
    const PerModality handed_on = gated(features, gate);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients",
                        "fusion::CrossExcitation");
    const Matrix head_gradient = output_gradient.logits / static_cast<double>(heads.size());

    PerModality of_features;
    std::vector<Linear> of_excites;
    std::vector<Linear> of_heads;
    Matrix code_gradient = Matrix::Zero(code.rows(), code.cols());
    for (std::size_t m = 0; m < heads.size(); ++m) {
      const Matrix gated_gradient = output_gradient.features[m] + heads[m].input_gradient(head_gradient);
      const Matrix slope = gate[m].array() * (1.0 - gate[m].array());
      const Matrix excite_gradient = gated_gradient.cwiseProduct(features[m]).cwiseProduct(slope);
      of_features.push_back(gated_gradient.cwiseProduct(gate[m]));
      of_excites.push_back(excites[m].parameter_gradient(code, excite_gradient));
      of_heads.push_back(heads[m].parameter_gradient(handed_on[m], head_gradient));
      code_gradient += excites[m].input_gradient(excite_gradient);
    }
    const Matrix is_active = (code.array() > 0.0).cast<double>();
    const Matrix squeeze_gradient = code_gradient.cwiseProduct(is_active);
    const Matrix joined_gradient = squeeze.input_gradient(squeeze_gradient);
    Gradient gradient{of_features, {squeeze.parameter_gradient(side_by_side(features), squeeze_gradient)}};
    for (std::size_t m = 0; m < heads.size(); ++m) {
      gradient.features[m] += joined_gradient.middleCols(first_column(m), features[m].cols());
    }
    gradient.layers.insert(gradient.layers.end(), of_excites.begin(), of_excites.end());
    gradient.layers.insert(gradient.layers.end(), of_heads.begin(), of_heads.end());
    return gradient;
  }

  /// The squeeze, the excitations in the modalities' order, the heads likewise.
  [[nodiscard]] std::vector<Linear*> layers() {
    std::vector<Linear*> all{&squeeze};
    for (Linear& excite : excites) all.push_back(&excite);
    for (Linear& head : heads) all.push_back(&head);
    return all;
  }

  /// W_m g_m + b_m.
  [[nodiscard]] PerModality own_logits(const PerModality& features) const {
    PerModality logits = gated(features, gates(squeezed(features)));
    for (std::size_t m = 0; m < heads.size(); ++m) logits[m] = heads[m].forward(logits[m]);
    return logits;
  }

  /// (W_m g_m + b_m) / M, which add up to the logits.
  [[nodiscard]] PerModality parts(const PerModality& features) const {
    PerModality logits = own_logits(features);
    for (Matrix& part : logits) part /= static_cast<double>(logits.size());
    return logits;
  }

  /// Throws unless `features` are what the layers expect.
  void check(const PerModality& features) const {
    std::vector<Eigen::Index> widths;
    for (const Linear& head : heads) widths.push_back(head.weight.cols());
    detail::check_features(features, widths, 2, "fusion::CrossExcitation");
    detail::check_count(excites.size(), heads.size(), "excitations", "fusion::CrossExcitation");
    detail::check_shape(squeeze.weight, squeeze.bias.size(), first_column(heads.size()),
                        "fusion::CrossExcitation: squeeze weight");
    for (std::size_t m = 0; m < heads.size(); ++m) {
      detail::check_shape(excites[m].weight, widths[m], squeeze.weight.rows(),
                          "fusion::CrossExcitation: excitation weight");
    }
  }

 private:
  [[nodiscard]] Eigen::Index first_column(std::size_t m) const {
    return std::accumulate(heads.begin(), heads.begin() + static_cast<std::ptrdiff_t>(m), Eigen::Index{0},
                           [](Eigen::Index sum, const Linear& head) { return sum + head.weight.cols(); });
  }

  [[nodiscard]] Matrix side_by_side(const PerModality& features) const {
    Matrix joined(features[0].rows(), squeeze.weight.cols());
    for (std::size_t m = 0; m < features.size(); ++m) {
      joined.middleCols(first_column(m), features[m].cols()) = features[m];
    }
    return joined;
  }

  [[nodiscard]] Matrix squeezed(const PerModality& features) const {
    check(features);
    return squeeze.forward(side_by_side(features)).cwiseMax(0.0);
  }

  [[nodiscard]] PerModality gates(const Matrix& code) const {
    PerModality gates;
    for (const Linear& excite : excites) gates.push_back(sigmoid(excite.forward(code)));
    return gates;
  }

  [[nodiscard]] static PerModality gated(const PerModality& features, const PerModality& gates) {
    PerModality products;
    for (std::size_t m = 0; m < features.size(); ++m) products.push_back(gates[m].cwiseProduct(features[m]));
    return products;
  }
};

static_assert(FusionPolicy<CrossExcitation>);

}  // namespace g2d::reference::fusion
