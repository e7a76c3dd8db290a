// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/schedule/kappa.hpp>
#include <g2d/reference/softmax.hpp>
#include <g2d/reference/types.hpp>

namespace g2d::reference::method {

/// S_m = sum_i softmax(z_m,i)[y_i] over the batch, z_m the student's own output of modality m.
///
/// Errors     ShapeError on counts; DataError for a label outside [0, C).
[[nodiscard]] inline std::vector<double> ogm_scores(const PerModality& unimodal_logits, const Labels& labels) {
  std::vector<double> scores;
  for (const Matrix& logits : unimodal_logits) {
    detail::check_labels(logits, labels, "method::ogm_scores");
    const Matrix probabilities = softmax(logits);
    double sum = 0.0;
    for (std::size_t i = 0; i < labels.size(); ++i) sum += probabilities(static_cast<Eigen::Index>(i), labels[i]);
    scores.push_back(sum);
  }
  return scores;
}

/// On-the-fly gradient modulation: the partial suppression of the student's own scores, for any M. Equal scores damp
/// nothing.
///
///     kappa_m = 1 - tanh(alpha r_m) if r_m > 1, else 1;  r_m = S_m / mean_{j != m} S_j
///
/// Source     Peng et al. 2022, arXiv:2203.15332, where M = 2.
[[nodiscard]] inline std::vector<double> ogm_coefficients(const std::vector<double>& scores, double strength) {
  return schedule::kappa(scores, strength);
}

/// As in the authors' code, for two modalities: the stronger one is damped, and at a tie the first one.
///
/// Errors     ShapeError unless there are two scores.
[[nodiscard]] inline std::vector<double> ogm_coefficients_of_authors(const std::vector<double>& scores,
                                                                     double strength) {
  detail::check_count(scores.size(), 2, "scores", "method::ogm_coefficients_of_authors");
  if (scores[1] > scores[0]) return {1.0, 1.0 - std::tanh(strength * scores[1] / scores[0])};
  return {1.0 - std::tanh(strength * scores[0] / scores[1]), 1.0};
}

}  // namespace g2d::reference::method
