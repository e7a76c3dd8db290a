// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// The public helpers that check a user's policy.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <cmath>
#include <limits>
#include <string>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>

#include "support/check_report.hpp"

namespace {

using g2d::check::compare;

}  // namespace

TEST_CASE("check::gradient: finds a wrong gradient, and where", "[check]") {
  auto x = torch::tensor({{0.3, -0.2}, {0.5, 0.9}}, torch::kDouble).requires_grad_();
  const auto before = x.detach().clone();
  const auto right = [&] { return x.square().sum(); };
  CHECK_REPORT(g2d::check::gradient(right, {x}));

  // The value counts element [1, 0] twice, the gradient does not know of it.
  const auto wrong = [&] { return x.square().sum() + x.detach().square()[1][0]; };
  const auto report = g2d::check::gradient(wrong, {x});
  CHECK_FALSE(report.passed());
  CHECK(report.where == "gradient of variable 0 at [1, 0]");
  CHECK(report.got == Approx(1.0));
  CHECK(report.expected == Approx(2.0));
  CHECK(report.message().find("expected 2") != std::string::npos);

  CHECK(torch::equal(x.detach(), before));
  CHECK_FALSE(x.grad().defined());
}

TEST_CASE("check::gradient: looks at every variable and keeps the gradients that were there", "[check]") {
  auto x = torch::ones({2}, torch::kDouble).requires_grad_();
  auto unused = torch::ones({2}, torch::kDouble).requires_grad_();
  auto y = torch::ones({3}, torch::kDouble).requires_grad_();
  const auto held = torch::full({2}, 5.0, torch::kDouble);
  x.mutable_grad() = held;
  const auto loss = [&] { return x.sum() * y.detach().sum(); };
  CHECK_REPORT(g2d::check::gradient(loss, {x, unused}));
  CHECK(x.grad().is_same(held));
  CHECK(g2d::check::gradient(loss, {x, unused, y}).where == "gradient of variable 2 at [0]");
}

TEST_CASE("check::gradient: what is not a number does not pass", "[check]") {
  auto x = torch::zeros({1}, torch::kDouble).requires_grad_();
  CHECK_FALSE(g2d::check::gradient([&] { return x.sqrt().sum(); }, {x}).passed());
}

TEST_CASE("check::compare: names the element that differs most", "[check]") {
  const auto expected = torch::tensor({{1.0, 2.0}, {3.0, 400.0}});
  auto got = expected.clone();
  CHECK(compare(got, expected, "numbers", 0.0).passed());
  got[0][1] = 2.5;
  got[1][1] = 401.0;
  const auto report = compare(got, expected, "numbers", 1e-3);
  CHECK(report.where == "numbers at [0, 1]");
  CHECK(report.error == Approx(0.25));
  CHECK_FALSE(report.passed());
  const auto infinity = torch::full({1}, std::numeric_limits<double>::infinity());
  CHECK(compare(infinity, infinity, "infinity", 0.0).passed());
  CHECK_FALSE(compare(torch::full({1}, NAN), torch::full({1}, NAN), "not a number", 1.0).passed());
}
