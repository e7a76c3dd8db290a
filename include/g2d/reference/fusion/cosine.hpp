// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::reference::fusion {

/// Every modality votes through the cosines between its features and its classes; the votes are summed.
///
///     z_m    = s normalise(h_m) normalise(W_m)^T
///     logits = sum_m z_m
///
/// normalise(x) = x / |x| row by row; a row no longer than 1e-12 is zero, and has no gradient.
///
/// Shapes     in: M features [B, D_m]; heads[m] D_m -> C without bias; out: logits [B, C], features handed through.
/// Gradient   of y = normalise(x), row by row: dL/dx = (dL/dy - y (y . dL/dy)) / |x|.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError without heads.
/// Source     Xu et al. 2023, arXiv:2303.05338.
struct Cosine {
  std::vector<Linear> heads;
  double scale = 10.0;

  [[nodiscard]] Output forward(const PerModality& features) const {
    const PerModality logits = own_logits(features);
    Matrix sum = logits[0];
    for (std::size_t m = 1; m < logits.size(); ++m) sum += logits[m];
    return {features, sum};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    check(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::Cosine");
    Gradient gradient{output_gradient.features, {}};
    for (std::size_t m = 0; m < heads.size(); ++m) {
      const Matrix of_features = scale * output_gradient.logits * normalised(heads[m].weight);
      const Matrix of_weight = scale * output_gradient.logits.transpose() * normalised(features[m]);
      gradient.features[m] += through_normalised(features[m], of_features);
      gradient.layers.push_back({through_normalised(heads[m].weight, of_weight), {}});
    }
    return gradient;
  }

  [[nodiscard]] std::vector<Linear*> layers() {
    std::vector<Linear*> all;
    for (Linear& head : heads) all.push_back(&head);
    return all;
  }

  /// z_m.
  [[nodiscard]] PerModality own_logits(const PerModality& features) const {
    check(features);
    PerModality logits;
    for (std::size_t m = 0; m < heads.size(); ++m) {
      logits.push_back(scale * normalised(features[m]) * normalised(heads[m].weight).transpose());
    }
    return logits;
  }

  /// z_m, which add up to the logits.
  [[nodiscard]] PerModality parts(const PerModality& features) const { return own_logits(features); }

  /// Throws unless `features` are what the heads expect.
  void check(const PerModality& features) const {
    std::vector<Eigen::Index> widths;
    for (const Linear& head : heads) widths.push_back(head.weight.cols());
    detail::check_features(features, widths, 1, "fusion::Cosine");
  }

 private:
  /// 1 / |x| of each row, and 0 where there is no direction.
  [[nodiscard]] static Eigen::VectorXd inverse_lengths(const Matrix& rows) {
    return rows.rowwise().norm().unaryExpr([](double length) { return length > 1e-12 ? 1.0 / length : 0.0; });
  }

  [[nodiscard]] static Matrix normalised(const Matrix& rows) { return inverse_lengths(rows).asDiagonal() * rows; }

  [[nodiscard]] static Matrix through_normalised(const Matrix& rows, const Matrix& gradient) {
    const Matrix directions = normalised(rows);
    const Eigen::VectorXd along = directions.cwiseProduct(gradient).rowwise().sum();
    return inverse_lengths(rows).asDiagonal() * (gradient - along.asDiagonal() * directions);
  }
};

static_assert(FusionPolicy<Cosine>);

}  // namespace g2d::reference::fusion
