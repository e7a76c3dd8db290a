// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

#include <g2d/reference/detail/check.hpp>
#include <g2d/reference/fusion/concept.hpp>
#include <g2d/reference/softmax.hpp>

namespace g2d::reference::fusion {

/// Every modality decides through the one head that all share; the decisions are weighed by their certainty.
///
///     z_m    = W h_m + b
///     E_m    = -sum_c p_mc log p_mc, p_m = softmax(z_m)
///     w      = softmax_m(-E_m), or 1/M each
///     logits = sum_m w_m z_m
///
/// Shapes     in: M features [B, D]; head D -> C; out: logits [B, C], features handed through.
/// Gradient   with a_m = dL/dlogits . z_m of a sample: dL/dE_m = -w_m (a_m - sum_k w_k a_k),
///            dL/dz_m = w_m dL/dlogits - dL/dE_m p_m (log p_m + E_m); the head's is the sum over the modalities.
/// Errors     ShapeError naming modality, expected and given shape; ConfigError without features.
/// Source     Zhang et al. 2024, arXiv:2311.10707.
struct SharedHead {
  Linear head;
  bool weighs_by_entropy = true;

  [[nodiscard]] Output forward(const PerModality& features) const {
    const PerModality weighed = parts(features);
    Matrix sum = weighed[0];
    for (std::size_t m = 1; m < weighed.size(); ++m) sum += weighed[m];
    return {features, sum};
  }

  [[nodiscard]] Gradient backward(const PerModality& features, const OutputGradient& output_gradient) const {
    const PerModality logits = own_logits(features);
    detail::check_count(output_gradient.features.size(), features.size(), "feature gradients", "fusion::SharedHead");
    const Matrix shares = weights(logits);
    Matrix agreement(shares.rows(), shares.cols());
    for (std::size_t m = 0; m < logits.size(); ++m) {
      agreement.col(static_cast<Eigen::Index>(m)) = output_gradient.logits.cwiseProduct(logits[m]).rowwise().sum();
    }
    const Eigen::VectorXd mean_agreement = shares.cwiseProduct(agreement).rowwise().sum();

    Gradient gradient{output_gradient.features,
                      {{Matrix::Zero(head.weight.rows(), head.weight.cols()), RowVector::Zero(head.bias.size())}}};
    for (std::size_t m = 0; m < logits.size(); ++m) {
      const auto share = shares.col(static_cast<Eigen::Index>(m));
      Matrix logit_gradient = share.asDiagonal() * output_gradient.logits;
      if (weighs_by_entropy) {
        const Eigen::VectorXd entropy_gradient =
            -share.cwiseProduct(agreement.col(static_cast<Eigen::Index>(m)) - mean_agreement);
        const Matrix log_probability = log_softmax(logits[m]);
        const Matrix surprise = log_probability.colwise() + entropy(logits[m]);
        logit_gradient -= entropy_gradient.asDiagonal() * softmax(logits[m]).cwiseProduct(surprise);
      }
      const Linear of_head = head.parameter_gradient(features[m], logit_gradient);
      gradient.features[m] += head.input_gradient(logit_gradient);
      gradient.layers[0].weight += of_head.weight;
      gradient.layers[0].bias += of_head.bias;
    }
    return gradient;
  }

  [[nodiscard]] std::vector<Linear*> layers() { return {&head}; }

  /// z_m.
  [[nodiscard]] PerModality own_logits(const PerModality& features) const {
    check(features);
    PerModality logits;
    for (const Matrix& x : features) logits.push_back(head.forward(x));
    return logits;
  }

  /// w_m z_m, which add up to the logits.
  [[nodiscard]] PerModality parts(const PerModality& features) const {
    PerModality logits = own_logits(features);
    const Matrix shares = weights(logits);
    for (std::size_t m = 0; m < logits.size(); ++m) {
      logits[m] = Matrix(shares.col(static_cast<Eigen::Index>(m)).asDiagonal() * logits[m]);
    }
    return logits;
  }

  /// w, [B, M].
  [[nodiscard]] Matrix weights(const PerModality& logits) const {
    Matrix certainty = Matrix::Zero(logits[0].rows(), static_cast<Eigen::Index>(logits.size()));
    if (weighs_by_entropy) {
      for (std::size_t m = 0; m < logits.size(); ++m) certainty.col(static_cast<Eigen::Index>(m)) = -entropy(logits[m]);
    }
    return softmax(certainty);
  }

  /// Throws unless `features` are what the head expects.
  void check(const PerModality& features) const {
    const std::vector<Eigen::Index> widths(features.size(), head.weight.cols());
    detail::check_features(features, widths, 1, "fusion::SharedHead");
  }

 private:
  [[nodiscard]] static Eigen::VectorXd entropy(const Matrix& logits) {
    return -softmax(logits).cwiseProduct(log_softmax(logits)).rowwise().sum();
  }
};

static_assert(FusionPolicy<SharedHead>);

}  // namespace g2d::reference::fusion
