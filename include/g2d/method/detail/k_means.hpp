// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/where.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/core/seed.hpp>

namespace g2d::method::detail {

struct KMeansOptions {
  std::int64_t num_clusters = 2;  ///< K, 1 <= K <= N.
  std::int64_t restarts = 10;
  std::int64_t max_iterations = 300;
  std::uint64_t seed = 0;
};

struct Clusters {
  at::Tensor centers;                                        ///< [K, D]
  at::Tensor assignment;                                     ///< Each point's nearest center, int64 [N].
  double inertia = std::numeric_limits<double>::infinity();  ///< sum_i |x_i - its center|^2
};

/// [N, K]
[[nodiscard]] inline at::Tensor squared_distances(const at::Tensor& points, const at::Tensor& centers) {
  const auto norms = points.square().sum(1, /*keepdim=*/true).add(centers.square().sum(1));
  return norms.sub(points.mm(centers.t()), 2.0).clamp_min(0.0);
}

/// k-means++: each further center is a point, drawn in proportion to its squared distance from the nearest one so far.
[[nodiscard]] inline at::Tensor spread_centers(const at::Tensor& points, std::int64_t num_clusters,
                                               at::Generator generator) {
  const auto draws = at::rand({num_clusters}, std::optional(std::move(generator)), at::kDouble);
  const auto* draw = draws.const_data_ptr<double>();
  const auto num_points = points.size(0);
  const auto first = std::min(static_cast<std::int64_t>(draw[0] * static_cast<double>(num_points)), num_points - 1);
  std::vector<at::Tensor> centers{points.narrow(0, first, 1)};
  auto nearest = squared_distances(points, centers[0]).squeeze(1);
  for (std::int64_t k = 1; k < num_clusters; ++k) {
    const auto cumulated = nearest.to(at::kDouble).cumsum(0);
    const auto threshold = cumulated.narrow(0, num_points - 1, 1).mul(draw[k]);
    const auto row =
        at::searchsorted(cumulated, threshold, /*out_int32=*/false, /*right=*/true).clamp_max(num_points - 1);
    centers.push_back(points.index_select(0, row));
    nearest = nearest.minimum(squared_distances(points, centers.back()).squeeze(1));
  }
  return at::cat(centers);
}

/// The mean of each cluster's points; a cluster without any moves to one of the points that are farthest from their
/// centers.
[[nodiscard]] inline at::Tensor mean_centers(const at::Tensor& points, const at::Tensor& assignment,
                                             const at::Tensor& distances, std::int64_t num_clusters) {
  const auto members =
      at::arange(num_clusters, assignment.options()).unsqueeze(1).eq(assignment).to(points.scalar_type());
  const auto counts = members.sum(1);
  const auto means = members.mm(points).div(counts.clamp_min(1.0).unsqueeze(1));
  const auto is_empty = counts.eq(0.0);
  const auto rank = is_empty.to(at::kLong).cumsum(0).sub(1).clamp_min(0);
  const auto farthest = distances.argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true).index_select(0, rank);
  return at::where(is_empty.unsqueeze(1), points.index_select(0, farthest), means);
}

/// Lloyd's iterations from given centers until no point moves.
[[nodiscard]] inline Clusters lloyd(const at::Tensor& points, at::Tensor centers, std::int64_t max_iterations) {
  Clusters clusters{std::move(centers), {}};
  at::Tensor distances;
  for (std::int64_t i = 0; i < max_iterations; ++i) {
    at::Tensor nearest;
    std::tie(distances, nearest) = squared_distances(points, clusters.centers).min(1);
    if (clusters.assignment.defined() && nearest.equal(clusters.assignment)) break;
    clusters.assignment = nearest;
    clusters.centers = mean_centers(points, nearest, distances, clusters.centers.size(0));
  }
  clusters.inertia = distances.sum(at::kDouble).item<double>();
  return clusters;
}

/// The best of several k-means clusterings of points [N, D]: a function of points and seed.
///
/// Cost       O(restarts * iterations * N K D), on the points' device; one sync an iteration.
[[nodiscard]] inline Clusters k_means(const at::Tensor& points, const KMeansOptions& options) {
  Clusters best;
  for (std::int64_t restart = 0; restart < options.restarts; ++restart) {
    auto generator = make_generator(options.seed, static_cast<std::uint64_t>(restart));
    auto centers = spread_centers(points, options.num_clusters, std::move(generator));
    auto clusters = lloyd(points, std::move(centers), options.max_iterations);
    if (!best.assignment.defined() || clusters.inertia < best.inertia) best = std::move(clusters);
  }
  return best;
}

}  // namespace g2d::method::detail
