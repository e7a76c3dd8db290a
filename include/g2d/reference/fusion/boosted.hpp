// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::reference::fusion {

/// Every modality is a learner of an ensemble, all share one head of two layers, and a scale weighs their sum.
///
///     f_m    = V max(U h_m + u, 0) + v
///     logits = s sum_m f_m
///
/// Shapes     in: M features [B, D]; hidden D -> H; output H -> C; scale: its weight [1, 1] is s, no bias; out: logits
///            [B, C], features handed through.
/// Gradient   dL/df_m = s dL/dlogits, dL/ds = sum of dL/dlogits * sum_m f_m; the layers' are sums over the modalities.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError without features.
/// Source     Hua et al. 2024, arXiv:2405.09321.
struct Boosted {
  Linear hidden;
  Linear output;
  Linear scale{Matrix::Ones(1, 1), {}};

  [[nodiscard]] Output forward(const PerModality& features) const {
    return {features, scale.weight(0) * sum(own_logits(features))};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    const Matrix total = sum(own_logits(features));
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::Boosted");
    const Matrix logit_gradient = scale.weight(0) * output_gradient.logits;
    const Matrix activation_gradient = output.input_gradient(logit_gradient);

    Linear of_hidden{Matrix::Zero(hidden.weight.rows(), hidden.weight.cols()), RowVector::Zero(hidden.bias.size())};
    Linear of_output{Matrix::Zero(output.weight.rows(), output.weight.cols()), RowVector::Zero(output.bias.size())};
    PerModality of_features = output_gradient.features;
    for (std::size_t m = 0; m < features.size(); ++m) {
      const Matrix activation = activations(features[m]);
      const Matrix is_active = (activation.array() > 0.0).cast<double>();
      const Matrix hidden_gradient = activation_gradient.cwiseProduct(is_active);
      add(of_output, output.parameter_gradient(activation, logit_gradient));
      add(of_hidden, hidden.parameter_gradient(features[m], hidden_gradient));
      of_features[m] += hidden.input_gradient(hidden_gradient);
    }
    const Matrix of_scale = Matrix::Constant(1, 1, output_gradient.logits.cwiseProduct(total).sum());
    return {of_features, {of_hidden, of_output, {of_scale, {}}}};
  }

  [[nodiscard]] std::vector<Linear*> layers() { return {&hidden, &output, &scale}; }

  /// f_m.
  [[nodiscard]] PerModality own_logits(const PerModality& features) const {
    check(features);
    PerModality logits;
    for (const Matrix& x : features) logits.push_back(output.forward(activations(x)));
    return logits;
  }

  /// s f_m, which add up to the logits.
  [[nodiscard]] PerModality parts(const PerModality& features) const {
    PerModality logits = own_logits(features);
    for (Matrix& part : logits) part *= scale.weight(0);
    return logits;
  }

  /// Throws unless `features` are what the head expects.
  void check(const PerModality& features) const {
    const std::vector<Eigen::Index> widths(features.size(), hidden.weight.cols());
    detail::check_features(features, widths, 1, "fusion::Boosted");
  }

 private:
  [[nodiscard]] Matrix activations(const Matrix& features) const { return hidden.forward(features).cwiseMax(0.0); }

  [[nodiscard]] static Matrix sum(const PerModality& logits) {
    Matrix total = logits[0];
    for (std::size_t m = 1; m < logits.size(); ++m) total += logits[m];
    return total;
  }

  static void add(Linear& total, const Linear& gradient) {
    total.weight += gradient.weight;
    total.bias += gradient.bias;
  }
};

static_assert(FusionPolicy<Boosted>);

}  // namespace g2d::reference::fusion
