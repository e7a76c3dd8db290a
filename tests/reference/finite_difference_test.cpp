// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/finite_difference.hpp>

#include <algorithm>
#include <limits>

#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

double cubes(const Matrix& x) { return x.array().cube().sum(); }
Matrix gradient_of_cubes(const Matrix& x) { return 3.0 * x.array().square(); }

}  // namespace

TEST_CASE("finite_difference: agrees with the derivative of a polynomial", "[reference][finite_difference]") {
  const Matrix at = g2d_test::Random(1).matrix(3, 4);
  const Matrix error = finite_difference(cubes, at) - gradient_of_cubes(at);
  CHECK(error.cwiseAbs().maxCoeff() < 1e-9);
}

TEST_CASE("gradient_error: is small for a right gradient and shows a wrong one", "[reference][finite_difference]") {
  const Matrix at = g2d_test::Random(2).matrix(2, 3);
  Matrix gradient = gradient_of_cubes(at);
  CHECK(gradient_error(cubes, at, gradient) < 1e-9);

  gradient(1, 2) += 0.01;
  CHECK(gradient_error(cubes, at, gradient) == Approx(0.01 / std::max(1.0, gradient(1, 2) - 0.01)).epsilon(1e-6));

  gradient(0, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK(gradient_error(cubes, at, gradient) == std::numeric_limits<double>::infinity());
}

TEST_CASE("gradient_error: refuses a gradient of another shape", "[reference][finite_difference]") {
  const Matrix at = Matrix::Zero(2, 3);
  CHECK_THROWS_AS(gradient_error(cubes, at, Matrix::Zero(3, 2)), g2d::ShapeError);
  CHECK_THROWS_WITH(gradient_error(cubes, at, Matrix::Zero(3, 2)),
                    "g2d: reference::gradient_error: gradient: expected [2, 3], got [3, 2]");
}
