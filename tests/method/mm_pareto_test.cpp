// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// MMPareto, against golden numbers that make_golden_gradients.py computed in NumPy.

#include <torch/torch.h>

#include <string>
#include <utility>

#include <g2d/method/mm_pareto.hpp>
#include <g2d/method/mses.hpp>
#include <g2d/method/mslr.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/task/classification.hpp>

#include "method/golden_gradients.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::task::Classification;
namespace method = g2d::method;

}  // namespace

TEST_CASE("method::MmPareto: a step equals NumPy's, where losses agree and where they do not", "[method][golden]") {
  for (const auto& expected : golden()["mm_pareto"]) {
    const auto student = golden_student(expected, "concat", "own-heads");
    AnyStep step(*student, method::MmPareto<Classification>({.gain = expected["gamma"].get<double>()}),
                 {.optimizer = golden_sgd});
    const auto result = step(batch_of(expected["inputs"], expected["labels"]));
    CHECK(result.terms.size() == expected["inputs"].size() + 1);
    check_final(*student, expected);
  }
}

TEST_CASE("method::MmPareto: a gradient of length 0 leaves the other's direction", "[method]") {
  for (const auto dtype : {at::kFloat, at::kDouble}) {
    const auto zero = torch::zeros({2}, dtype);
    const auto other = torch::tensor({3.0, -4.0}, dtype);
    for (const bool joint_is_zero : {true, false}) {
      const auto& joint = joint_is_zero ? zero : other;
      const auto& own = joint_is_zero ? other : zero;
      const auto weights = method::min_norm_weights(joint.dot(joint), joint.dot(own), own.dot(own));
      CHECK(at::allclose(method::pareto_gradient(joint, own, weights, 1.5), other * 1.5));
    }
    const auto none = method::min_norm_weights(zero.sum(), zero.sum(), zero.sum());
    CHECK(method::pareto_gradient(zero, zero, none, 1.5).equal(zero));
    // Opposite gradients cancel to rounding, and that is not made as long as their sum.
    const auto opposite = torch::tensor({0.1, 0.7, -0.3}, dtype);
    const auto thrice = opposite * -3.0;
    const auto cancelling = method::min_norm_weights(thrice.dot(thrice), thrice.dot(opposite), opposite.dot(opposite));
    CHECK(method::pareto_gradient(thrice, opposite, cancelling, 1.5).abs().max().item<double>() < 1e-5);
  }
}

TEST_CASE("method::MmPareto: encoders that two modalities share are refused, and a gain that is not positive",
          "[method]") {
  CHECK_THAT(thrown<g2d::ConfigError>([] { method::MmPareto<Classification>({.gain = 0.0}); }),
             Contains("expected gain > 0, got 0"));
  const auto shared = linear_tanh(5, 3);
  const auto student = make_student({shared, shared}, num_outputs);
  const std::string ending =
      ": expected an encoder for each modality, got one that \"audio\" and \"image\" share; give each its own";
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*student, method::MmPareto<Classification>()); }) ==
        "g2d: method::MmPareto" + ending);
  const auto stacked = [&](auto policy) {
    AnyStep(*student, method::Stack(method::Supervised<Classification>(), std::move(policy)));
  };
  CHECK(thrown<g2d::ConfigError>([&] { stacked(method::Mses()); }) == "g2d: method::Mses" + ending);
  CHECK(thrown<g2d::ConfigError>([&] { stacked(method::Mslr<Classification>()); }) == "g2d: method::Mslr" + ending);
}
