// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <tuple>

#include <g2d/analysis/detail/matrices.hpp>
#include <g2d/core/error.hpp>
#include <g2d/core/shape.hpp>

namespace g2d::analysis {

/// The plane (or line, or space) in which features vary most.
///
///     scores = (X - mean) directions^T
struct PrincipalComponents {
  at::Tensor mean;        ///< [D]
  at::Tensor directions;  ///< [k, D], orthonormal, by falling variance; the entry greatest in size is positive.
  at::Tensor explained;   ///< [k]: each direction's share of the whole variance.

  /// Scores [N, k] of these features or of others of the same width, a student's in its teacher's plane above all.
  [[nodiscard]] at::Tensor project(const at::Tensor& features) const {
    check_matrix(features, -1, mean.size(0), "analysis::PrincipalComponents: features");
    return features.detach().to(mean).sub(mean).mm(directions.t());
  }
};

/// Fits the first k principal components, in double.
///
/// Shapes     features [N, D].
/// Cost       a QR factorisation of [N, D] and the singular values of a square matrix of the smaller size.
/// Errors     ShapeError for other shapes or fewer than 2 samples; ConfigError for k outside 1 ... min(N, D).
[[nodiscard]] inline PrincipalComponents principal_components(const at::Tensor& features, std::int64_t k) {
  detail::check_pair(features, features, "analysis::principal_components");
  const auto most = std::min(features.size(0), features.size(1));
  if (k < 1 || k > most) {
    throw ConfigError(
        fmt::format("g2d: analysis::principal_components: expected 1 to {} components of {} features, got {}", most,
                    to_string(features.sizes()), k));
  }
  auto square = detail::centered(features);
  if (square.size(0) > square.size(1)) square = std::get<1>(at::linalg_qr(square, "r"));
  const auto [left, deviations, right] = at::linalg_svd(square, /*full_matrices=*/false);
  const auto variances = deviations.square();
  const auto total = variances.sum().item<double>();
  const auto directions = right.narrow(0, 0, k);
  const auto greatest = directions.gather(1, directions.abs().argmax(1, /*keepdim=*/true));
  return {features.detach().to(at::kDouble).mean(0), directions.mul(greatest.sign()),
          variances.narrow(0, 0, k).div(total > 0.0 ? total : 1.0)};
}

}  // namespace g2d::analysis
