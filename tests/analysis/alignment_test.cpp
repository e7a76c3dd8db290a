// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cstdint>
#include <tuple>

#include <g2d/analysis.hpp>

#include "analysis/figures.hpp"
#include "support/random_case.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
namespace analysis = g2d::analysis;

at::Tensor rotation(Random& random, std::int64_t width) {
  return std::get<0>(torch::linalg_qr(random.normal({width, width})));
}

}  // namespace

TEST_CASE("analysis: alignment and principal components equal NumPy's by other routes", "[analysis][golden]") {
  for (const auto& file : golden_cases("alignment.json")) {
    const auto x = tensor_of(file["x"]);
    const auto y = tensor_of(file["y"]);
    INFO(x.sizes() << " " << y.sizes());
    CHECK(analysis::linear_cka(x, y) == Approx(file["linear_cka"].get<double>()).epsilon(1e-10));
    CHECK(analysis::procrustes_distance(x, y) == Approx(file["procrustes"].get<double>()).epsilon(1e-10));
    const auto all = analysis::alignment(x, y);
    CHECK(all.linear_cka == analysis::linear_cka(x, y));
    CHECK(all.procrustes == analysis::procrustes_distance(x, y));
    if (file["mean_cosine"].is_null()) {
      CHECK_FALSE(all.mean_cosine);
    } else {
      CHECK(analysis::mean_cosine(x, y) == Approx(file["mean_cosine"].get<double>()).epsilon(1e-10));
      CHECK(all.mean_cosine == analysis::mean_cosine(x, y));
    }
    const auto& expected = file["components"];
    const auto components = analysis::principal_components(x, expected["k"]);
    CHECK(gap(components.directions, tensor_of(expected["directions"])) < 1e-9);
    CHECK(gap(components.explained, tensor_of(expected["explained"])) < 1e-12);
    CHECK(gap(components.project(x), tensor_of(expected["scores"])) < 1e-9);
    CHECK(gap(analysis::principal_components(x.to(at::kFloat), expected["k"]).project(x.to(at::kFloat)),
              tensor_of(expected["scores"])) < 1e-5);
  }
}

TEST_CASE("analysis::linear_cka is 1 for itself, rotated, scaled and shifted, whichever products are smaller",
          "[analysis][alignment]") {
  Random random(1);
  for (const std::int64_t samples : {4, 50}) {
    const auto x = random.normal({samples, 8});
    const auto y = random.normal({samples, 5});
    const auto moved = x.mm(rotation(random, 8)) * -0.01 + 100.0;
    CHECK(analysis::linear_cka(x, x) == Approx(1.0));
    CHECK(analysis::linear_cka(x, moved) == Approx(1.0));
    CHECK(analysis::linear_cka(moved, y) == Approx(analysis::linear_cka(x, y)));
    CHECK(analysis::linear_cka(y, x) == Approx(analysis::linear_cka(x, y)));
    CHECK(analysis::linear_cka(x, y) < 1.0);
    CHECK(analysis::linear_cka(x * 1e30, y * 1e-30) == Approx(analysis::linear_cka(x, y)));
  }
}

TEST_CASE("analysis::procrustes_distance is 0 for rotated, scaled, shifted and wider features, 2 for unrelated ones",
          "[analysis][alignment]") {
  Random random(2);
  const auto x = random.normal({30, 4});
  const auto wider = torch::cat({x, torch::zeros({30, 3}, at::kDouble)}, 1).mm(rotation(random, 7));
  CHECK(analysis::procrustes_distance(x, x.mm(rotation(random, 4)) * 3.0 - 7.0) == Approx(0.0).margin(1e-12));
  CHECK(analysis::procrustes_distance(x, wider) == Approx(0.0).margin(1e-12));
  CHECK(analysis::procrustes_distance(wider, x) == Approx(0.0).margin(1e-12));
  const auto axes = torch::tensor({{1.0, 1.0}, {-1.0, 1.0}, {1.0, -1.0}, {-1.0, -1.0}}, at::kDouble);
  CHECK(analysis::procrustes_distance(axes.narrow(1, 0, 1), axes.narrow(1, 1, 1)) == Approx(2.0));
}

TEST_CASE("analysis: features that are all equal have nothing in common with others", "[analysis][alignment]") {
  Random random(3);
  const auto x = random.normal({30, 4});
  // In double the mean of equal values is off by a rounding.
  const auto collapsed = random.normal({1, 4}).expand({30, 4}).to(GENERATE(at::kFloat, at::kDouble));
  CHECK(analysis::linear_cka(x, collapsed) == 0.0);
  CHECK(analysis::procrustes_distance(x, collapsed) == 2.0);
  CHECK(analysis::mean_cosine(x, torch::zeros({30, 4})) == 0.0);
  const auto components = analysis::principal_components(collapsed, 2);
  CHECK(components.explained.sum().item<double>() == 0.0);
  CHECK(components.project(collapsed).abs().max().item<double>() < 1e-6);
}

TEST_CASE("analysis::mean_cosine is 1 for features scaled sample by sample, -1 for their opposites",
          "[analysis][alignment]") {
  Random random(4);
  const auto x = random.normal({9, 4});
  const auto scales = random.normal({9, 1}).abs() + 0.1;
  CHECK(analysis::mean_cosine(x, x * scales) == Approx(1.0));
  CHECK(analysis::mean_cosine(x, -x * scales) == Approx(-1.0));
}

TEST_CASE("analysis: comparisons refuse what does not belong together", "[analysis][alignment]") {
  const auto x = torch::zeros({5, 3});
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::linear_cka(x, torch::zeros({4, 3})); }) ==
        "g2d: analysis::linear_cka: expected [5, D], got [4, 3]");
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::procrustes_distance(x, torch::zeros({5})); }) ==
        "g2d: analysis::procrustes_distance: expected [5, D], got [5]");
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::mean_cosine(x, torch::zeros({5, 2})); }) ==
        "g2d: analysis::mean_cosine: expected [5, 3], got [5, 2]");
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::linear_cka(x.narrow(0, 0, 1), x.narrow(0, 0, 1)); }) ==
        "g2d: analysis::linear_cka: expected at least 2 samples, got 1");
  CHECK(thrown<g2d::ConfigError>([&] { (void)analysis::principal_components(x, 4); }) ==
        "g2d: analysis::principal_components: expected 1 to 3 components of [5, 3] features, got 4");
  CHECK(thrown<g2d::ShapeError>([&] { (void)analysis::principal_components(x, 2).project(torch::zeros({5, 2})); }) ==
        "g2d: analysis::PrincipalComponents: features: expected [B, 3], got [5, 2]");
}

TEST_CASE("analysis::principal_components: orthonormal, complete, signs fixed, and others can be put into them",
          "[analysis][components]") {
  Random random(6);
  const auto x = random.normal({20, 5}) * torch::tensor({5.0, 3.0, 2.0, 1.0, 0.5}, at::kDouble);
  const auto all = analysis::principal_components(x, 5);
  CHECK(gap(all.directions.mm(all.directions.t()), torch::eye(5, at::kDouble)) < 1e-12);
  CHECK(all.explained.sum().item<double>() == Approx(1.0));
  CHECK((all.explained.diff() <= 0).all().item<bool>());
  CHECK(gap(all.project(x).mm(all.directions) + all.mean, x) < 1e-12);
  CHECK(gap(analysis::principal_components(-x, 5).directions, all.directions) < 1e-12);
  const auto other = random.normal({3, 5});
  CHECK(gap(analysis::principal_components(x, 2).project(other),
            (other - x.mean(0)).mm(all.directions.narrow(0, 0, 2).t())) < 1e-12);
}
