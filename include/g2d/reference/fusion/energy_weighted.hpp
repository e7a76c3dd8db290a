// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/softmax.hpp>

namespace g2d::reference::fusion {

/// Every modality decides through its own linear head, weighed by the confidence that its logits show.
///
///     z_m    = W_m h_m + b_m
///     conf_m = log(sum_c exp(z_mc)) / 10
///     logits = sum_m conf_m z_m
///
/// Shapes     in: M features [B, D_m]; heads[m] D_m -> C; out: logits [B, C], features handed through.
/// Gradient   takes conf_m for a constant: dL/dz_m = conf_m dL/dlogits. It is not the gradient of `forward`, but that
///            of `weighed` with the confidences held.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError without heads.
/// Source     Zhang et al. 2023, arXiv:2306.02050.
struct EnergyWeighted {
  std::vector<Linear> heads;

  [[nodiscard]] Output forward(const PerModality& features) const { return weighed(features, confidences(features)); }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    const Matrix confidence = confidences(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients",
                        "fusion::EnergyWeighted");
    Gradient gradient{output_gradient.features, {}};
    for (std::size_t m = 0; m < heads.size(); ++m) {
      const Matrix logit_gradient = confidence.col(static_cast<Eigen::Index>(m)).asDiagonal() * output_gradient.logits;
      gradient.features[m] += heads[m].input_gradient(logit_gradient);
      gradient.layers.push_back(heads[m].parameter_gradient(features[m], logit_gradient));
    }
    return gradient;
  }

  [[nodiscard]] std::vector<Linear*> layers() {
    std::vector<Linear*> all;
    for (Linear& head : heads) all.push_back(&head);
    return all;
  }

  /// The output under confidences [B, M] that are given.
  [[nodiscard]] Output weighed(const PerModality& features, const Matrix& confidence) const {
    const PerModality logits = own_logits(features);
    Matrix sum = Matrix::Zero(logits[0].rows(), logits[0].cols());
    for (std::size_t m = 0; m < logits.size(); ++m) {
      sum += confidence.col(static_cast<Eigen::Index>(m)).asDiagonal() * logits[m];
    }
    return {features, sum};
  }

  /// conf, [B, M].
  [[nodiscard]] Matrix confidences(const PerModality& features) const {
    const PerModality logits = own_logits(features);
    Matrix confidence(logits[0].rows(), static_cast<Eigen::Index>(logits.size()));
    for (std::size_t m = 0; m < logits.size(); ++m) {
      // log_softmax(z)_0 = z_0 - log sum_c exp(z_c).
      confidence.col(static_cast<Eigen::Index>(m)) = (logits[m].col(0) - log_softmax(logits[m]).col(0)) / 10.0;
    }
    return confidence;
  }

  /// z_m.
  [[nodiscard]] PerModality own_logits(const PerModality& features) const {
    check(features);
    PerModality logits;
    for (std::size_t m = 0; m < heads.size(); ++m) logits.push_back(heads[m].forward(features[m]));
    return logits;
  }

  /// conf_m z_m, which add up to the logits.
  [[nodiscard]] PerModality parts(const PerModality& features) const {
    const Matrix confidence = confidences(features);
    PerModality logits = own_logits(features);
    for (std::size_t m = 0; m < logits.size(); ++m) {
      logits[m] = Matrix(confidence.col(static_cast<Eigen::Index>(m)).asDiagonal() * logits[m]);
    }
    return logits;
  }

  /// Throws unless `features` are what the heads expect.
  void check(const PerModality& features) const {
    std::vector<Eigen::Index> widths;
    for (const Linear& head : heads) widths.push_back(head.weight.cols());
    detail::check_features(features, widths, 1, "fusion::EnergyWeighted");
  }
};

static_assert(FusionPolicy<EnergyWeighted>);

}  // namespace g2d::reference::fusion
