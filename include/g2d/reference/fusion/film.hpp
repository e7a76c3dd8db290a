// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/detail/mean_of_others.hpp>
#include <g2d/reference/fusion/concept.hpp>

namespace g2d::reference::fusion {

/// Feature-wise linear modulation: one modality, c, scales and shifts the mean of the others.
///
///     [gamma, beta] = F h_c + f
///     logits        = W (gamma * mean_{m != c} h_m + beta) + b
///
/// Shapes     in: M >= 2 features, h_c [B, D_c] and all others [B, D]; film D_c -> 2 D; output D -> C;
///            out: logits [B, C], features handed through.
/// Gradient   with u = dL/dlogits W: dL/dgamma = u * mean, dL/dbeta = u, dL/dh_m = u * gamma / (M - 1) for m != c.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError for M < 2 or conditioning >= M.
/// Source     Perez et al. 2018, arXiv:1709.07871; for M = 2 as in the authors' code, where audio conditions.
struct Film {
  Linear film;
  Linear output;
  std::size_t conditioning = 0;

  [[nodiscard]] Output forward(const PerModality& features) const {
    check(features);
    const Matrix mean = detail::mean_of_others(features, conditioning);
    return {features, output.forward(modulated(features[conditioning], mean))};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    check(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::Film");
    const Matrix& condition = features[conditioning];
    const Matrix mean = detail::mean_of_others(features, conditioning);
    const Matrix gamma = film.forward(condition).leftCols(width());

    const Matrix modulated_gradient = output.input_gradient(output_gradient.logits);
    const Matrix mean_gradient = modulated_gradient.cwiseProduct(gamma);
    Matrix film_gradient(condition.rows(), 2 * width());
    film_gradient << modulated_gradient.cwiseProduct(mean), modulated_gradient;

    Gradient gradient{output_gradient.features,
                      {film.parameter_gradient(condition, film_gradient),
                       output.parameter_gradient(modulated(condition, mean), output_gradient.logits)}};
    for (std::size_t m = 0; m < features.size(); ++m) {
      gradient.features[m] += m == conditioning ? film.input_gradient(film_gradient)
                                                : Matrix(mean_gradient / static_cast<double>(features.size() - 1));
    }
    return gradient;
  }

  [[nodiscard]] std::vector<Linear*> layers() { return {&film, &output}; }

  /// gamma(condition) * content + beta(condition), [B, D].
  [[nodiscard]] Matrix modulated(const Matrix& condition, const Matrix& content) const {
    const Matrix gamma_beta = film.forward(condition);
    return gamma_beta.leftCols(width()).cwiseProduct(content) + gamma_beta.rightCols(width());
  }

  /// D, the width of the modalities that are modulated.
  [[nodiscard]] Eigen::Index width() const { return output.weight.cols(); }

  /// Throws unless `features` are what the layers expect.
  void check(const PerModality& features) const {
    std::vector<Eigen::Index> widths(features.size(), width());
    if (conditioning < widths.size()) widths[conditioning] = film.weight.cols();
    detail::check_features(features, widths, 2, "fusion::Film");
    detail::check_index(conditioning, features.size(), "conditioning modality", "fusion::Film");
    detail::check_shape(film.weight, 2 * width(), film.weight.cols(), "fusion::Film: film weight");
  }
};

static_assert(FusionPolicy<Film>);

}  // namespace g2d::reference::fusion
