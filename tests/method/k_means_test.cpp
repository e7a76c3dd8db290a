// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <utility>

#include <g2d/method/detail/k_means.hpp>

#include "support/random_case.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;

}  // namespace

TEST_CASE("k_means: finds the best of all partitions", "[method]") {
  constexpr int num_points = 8;
  for (std::uint64_t seed = 0; seed < 6; ++seed) {
    const auto points = Random(seed).normal({num_points, 2});
    const auto x = points.accessor<double, 2>();
    double least = std::numeric_limits<double>::infinity();
    for (int code = 0; code < 6561; ++code) {  // 3^8 ways to give 8 points to 3 clusters
      std::array<std::array<double, 4>, 3> sums{};
      for (int i = 0, rest = code; i < num_points; ++i, rest /= 3) {
        auto& sum = sums[static_cast<std::size_t>(rest % 3)];
        sum[0] += 1.0;
        sum[1] += x[i][0];
        sum[2] += x[i][1];
        sum[3] += x[i][0] * x[i][0] + x[i][1] * x[i][1];
      }
      double spread = 0.0;
      for (const auto& sum : sums) spread += sum[0] > 0.0 ? sum[3] - (sum[1] * sum[1] + sum[2] * sum[2]) / sum[0] : 0.0;
      least = std::min(least, spread);
    }
    const auto clusters = g2d::method::detail::k_means(points, {.num_clusters = 3, .restarts = 20, .seed = seed});
    CHECK(clusters.inertia == Approx(least));
    const auto distances = (points.unsqueeze(1) - clusters.centers.unsqueeze(0)).square().sum(2);
    CHECK(distances.argmin(1).equal(clusters.assignment));
  }
}

TEST_CASE("k_means: is a function of points and seed, and leaves LibTorch's generator alone", "[method]") {
  const auto points = Random(1).normal({40, 3});
  const auto run = [&](std::uint64_t global) {
    torch::manual_seed(global);
    const auto clusters = g2d::method::detail::k_means(points, {.num_clusters = 5, .restarts = 1, .seed = 3});
    return std::pair(clusters.assignment, torch::rand({1}));
  };
  const auto [first, next] = run(1);
  CHECK(first.equal(run(2).first));
  torch::manual_seed(1);
  CHECK(next.equal(torch::rand({1})));
}

TEST_CASE("k_means: takes as many clusters as points, and points that are all the same", "[method]") {
  const auto distinct = torch::arange(5, torch::kDouble).unsqueeze(1);
  const auto each = g2d::method::detail::k_means(distinct, {.num_clusters = 5});
  CHECK(each.inertia == Approx(0.0).margin(1e-12));
  const auto same = g2d::method::detail::k_means(torch::ones({6, 2}), {.num_clusters = 3});
  CHECK(same.inertia == 0.0);
  CHECK(same.centers.equal(torch::ones({3, 2})));
}

TEST_CASE("k_means: a cluster without points moves to where points are far from their centers", "[method]") {
  const auto points = torch::tensor({{0.0}, {1.0}, {10.0}});
  const auto centers =
      g2d::method::detail::mean_centers(points, torch::tensor({0, 0, 0}), torch::tensor({0.0, 1.0, 100.0}), 2);
  CHECK(torch::allclose(centers, torch::tensor({{11.0 / 3.0}, {10.0}})));
}
