// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/finite_difference.hpp>
#include <g2d/reference/fusion/any.hpp>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <variant>
#include <vector>

#include "fusion_cases.hpp"
#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

/// A loss that is linear in all that a fusion hands on, so that `weights` is its gradient there.
double weighted_sum(const fusion::Output& output, const fusion::OutputGradient& weights) {
  double sum = output.logits.cwiseProduct(weights.logits).sum();
  for (std::size_t m = 0; m < output.features.size(); ++m) {
    sum += output.features[m].cwiseProduct(weights.features[m]).sum();
  }
  return sum;
}

Matrix row(std::initializer_list<double> values) {
  Matrix result(1, static_cast<Eigen::Index>(values.size()));
  std::copy(values.begin(), values.end(), result.data());
  return result;
}

/// The layer y = scale x + shift of one number.
Linear scalar_layer(double scale, double shift) { return {row({scale}), row({shift})}; }

}  // namespace

TEST_CASE("fusion: the gradient of every fusion agrees with finite differences", "[reference][fusion]") {
  g2d_test::Random random(3);
  for (std::size_t num_modalities = 1; num_modalities <= 5; ++num_modalities) {
    for (auto& fusion_case : g2d_test::fusion_cases(num_modalities, 3, random)) {
      CAPTURE(num_modalities, fusion_case.name);
      fusion::Any& fusion = fusion_case.fusion;
      const PerModality features = random.matrices(4, fusion_case.widths);
      const fusion::Output output = fusion.forward(features);
      fusion::OutputGradient weights{{}, random.matrix(4, 3)};
      for (const Matrix& handed_on : output.features) weights.features.push_back(random.matrix(4, handed_on.cols()));
      const fusion::Gradient gradient = fusion.backward(features, weights);
      const auto forward = g2d_test::with_constants_held(fusion, features);

      for (std::size_t m = 0; m < num_modalities; ++m) {
        const auto of_features = [&](const Matrix& changed) {
          PerModality moved = features;
          moved[m] = changed;
          return weighted_sum(forward(moved), weights);
        };
        CHECK(gradient_error(of_features, features[m], gradient.features[m]) < 1e-8);
      }
      REQUIRE(gradient.layers.size() == fusion.layers().size());
      for (std::size_t i = 0; i < gradient.layers.size(); ++i) {
        Linear& layer = *fusion.layers()[i];
        const Linear original = layer;
        const auto of_weight = [&](const Matrix& changed) {
          layer.weight = changed;
          return weighted_sum(forward(features), weights);
        };
        CHECK(gradient_error(of_weight, original.weight, gradient.layers[i].weight) < 1e-8);
        layer = original;
        const auto of_bias = [&](const Matrix& changed) {
          layer.bias = changed;
          return weighted_sum(forward(features), weights);
        };
        CHECK(gradient_error(of_bias, original.bias, gradient.layers[i].bias) < 1e-8);
        layer = original;
      }
    }
  }
}

TEST_CASE("fusion: three modalities of one number each, worked out by hand", "[reference][fusion]") {
  const PerModality features{row({2.0}), row({3.0}), row({5.0})};
  const std::vector<Linear> layers{scalar_layer(1.0, 0.5), scalar_layer(2.0, 0.0), scalar_layer(-1.0, 1.0)};
  const Linear output = scalar_layer(10.0, 1.0);

  CHECK(fusion::Sum{layers}.forward(features).logits(0) == 2.5 + 6.0 - 4.0);
  CHECK(fusion::Late{layers}.forward(features).logits(0) == (2.5 + 6.0 - 4.0) / 3.0);
  CHECK(fusion::Concat{{1, 1, 1}, {row({1.0, 2.0, -1.0}), row({0.5})}}.forward(features).logits(0) ==
        2.0 + 6.0 - 5.0 + 0.5);

  // [gamma, beta] = [3 h + 1, -h] of the conditioning modality.
  Linear film{Matrix(2, 1), row({1.0, 0.0})};
  film.weight << 3.0, -1.0;
  CHECK(fusion::Film{film, output}.forward(features).logits(0) == 10.0 * (7.0 * 4.0 - 2.0) + 1.0);
  CHECK(fusion::Film{film, output, 1}.forward(features).logits(0) == 10.0 * (10.0 * 3.5 - 3.0) + 1.0);

  const auto logistic = [](double z) { return 1.0 / (1.0 + std::exp(-z)); };
  CHECK(fusion::Gated{layers, output}.forward(features).logits(0) ==
        Approx(10.0 * logistic(2.5) * (6.0 - 4.0) / 2.0 + 1.0));
  CHECK(fusion::Gated{layers, output, 2}.forward(features).logits(0) ==
        Approx(10.0 * logistic(-4.0) * (2.5 + 6.0) / 2.0 + 1.0));

  // A cosine of numbers is a sign; the logarithm of one exponential is the logit itself.
  const std::vector<Linear> without_bias{{row({1.0}), {}}, {row({2.0}), {}}, {row({-1.0}), {}}};
  CHECK(fusion::Cosine{without_bias, 10.0}.forward(features).logits(0) == Approx(10.0 * (1.0 + 1.0 - 1.0)));
  CHECK(fusion::SharedHead{output, false}.forward(features).logits(0) == Approx((21.0 + 31.0 + 51.0) / 3.0));
  CHECK(fusion::EnergyWeighted{layers}.forward(features).logits(0) ==
        Approx((2.5 * 2.5 + 6.0 * 6.0 + 4.0 * 4.0) / 10.0));
  const fusion::Boosted boosted{scalar_layer(1.0, -2.5), output, {row({0.5}), {}}};
  CHECK(boosted.forward(features).logits(0) == 0.5 * (1.0 + 6.0 + 26.0));
  const fusion::CrossExcitation excited{{row({1.0, 1.0, -1.0}), row({2.0})}, layers, layers};
  const double gated = 2.0 * logistic(2.5) + 0.5 + 2.0 * 3.0 * logistic(4.0) - 5.0 * logistic(-1.0) + 1.0;
  CHECK(excited.forward(features).logits(0) == Approx(gated / 3.0));
}

TEST_CASE("fusion::SharedHead: two entropies, worked out by hand", "[reference][fusion]") {
  // One modality says (2/3, 1/3), the other nothing.
  const double log2 = std::log(2.0);
  const fusion::SharedHead shared{{(Matrix(2, 1) << log2, 0.0).finished(), row({0.0, 0.0})}};
  const Matrix weights = shared.weights(shared.own_logits({row({1.0}), row({0.0})}));
  const double entropy = std::log(3.0) - 2.0 / 3.0 * log2;
  const double ratio = std::exp(log2 - entropy);
  CHECK(weights(0, 0) == Approx(ratio / (1.0 + ratio)));
  CHECK(weights.sum() == Approx(1.0));
}

TEST_CASE("fusion::Cosine: a row without a direction says nothing and has no gradient", "[reference][fusion]") {
  const fusion::Cosine cosine{{{Matrix::Identity(2, 2), {}}}};
  const PerModality zeros{Matrix::Zero(3, 2)};
  CHECK(cosine.forward(zeros).logits == Matrix::Zero(3, 2));
  const fusion::Gradient gradient = cosine.backward(zeros, {{Matrix::Zero(3, 2)}, Matrix::Ones(3, 2)});
  CHECK(gradient.features[0] == Matrix::Zero(3, 2));
  CHECK(gradient.layers[0].weight == Matrix::Zero(2, 2));
}

TEST_CASE("fusion: the features are handed through, but projected by Gated and gated by CrossExcitation",
          "[reference][fusion]") {
  g2d_test::Random random(4);
  for (const auto& [name, widths, fusion] : g2d_test::fusion_cases(3, 2, random)) {
    CAPTURE(name);
    const PerModality features = random.matrices(4, widths);
    const PerModality handed_on = fusion.forward(features).features;
    if (const auto* gated = std::get_if<fusion::Gated>(&fusion.choice)) {
      for (std::size_t m = 0; m < 3; ++m) CHECK(handed_on[m] == gated->projections[m].forward(features[m]));
    } else if (std::holds_alternative<fusion::CrossExcitation>(fusion.choice)) {
      for (std::size_t m = 0; m < 3; ++m) {
        const Matrix gate = handed_on[m].cwiseQuotient(features[m]);
        CHECK(gate.minCoeff() > 0.0);
        CHECK(gate.maxCoeff() < 1.0);
      }
    } else {
      CHECK(handed_on == features);
    }
  }
}

TEST_CASE("fusion: with one modality Sum, Late and Concat are one linear layer", "[reference][fusion]") {
  g2d_test::Random random(5);
  const Linear head = random.linear(3, 2);
  const PerModality features = random.matrices(4, {3});
  const Matrix expected = head.forward(features[0]);
  CHECK(fusion::Sum{{head}}.forward(features).logits == expected);
  CHECK(fusion::Late{{head}}.forward(features).logits == expected);
  CHECK(fusion::Concat{{3}, head}.forward(features).logits == expected);
}

TEST_CASE("fusion: wrong widths, batches, counts and too few modalities are refused by name", "[reference][fusion]") {
  g2d_test::Random random(6);
  const std::vector<Linear> two{random.linear(3, 2), random.linear(4, 2)};
  const PerModality narrow = random.matrices(5, {3, 3});
  const fusion::Sum sum{two};
  CHECK_THROWS_AS(sum.forward(narrow), g2d::ShapeError);
  CHECK_THROWS_WITH(sum.forward(narrow), "g2d: reference::fusion::Sum: modality 1 of 2: expected [5, 4], got [5, 3]");
  CHECK_THROWS_WITH(fusion::Late{two}.forward({random.matrix(5, 3), random.matrix(6, 4)}),
                    "g2d: reference::fusion::Late: modality 1 of 2: expected [5, 4], got [6, 4]");
  CHECK_THROWS_WITH(sum.forward(random.matrices(5, {3})), "g2d: reference::fusion::Sum: expected 2 modalities, got 1");
  CHECK_THROWS_WITH((fusion::Concat{{3, 4}, random.linear(8, 2)}.forward(random.matrices(5, {3, 4}))),
                    "g2d: reference::fusion::Concat: head weight: expected [2, 7], got [2, 8]");
  CHECK_THROWS_WITH(sum.backward(random.matrices(5, {3, 4}), {{}, random.matrix(5, 2)}),
                    "g2d: reference::fusion::Sum: expected 2 feature gradients, got 0");

  CHECK_THROWS_AS(fusion::Sum{}.forward({}), g2d::ConfigError);
  CHECK_THROWS_WITH(fusion::Sum{}.forward({}), "g2d: reference::fusion::Sum: expected at least 1 modalities, got 0");
  CHECK_THROWS_WITH((fusion::Gated{{two[0]}, random.linear(2, 2)}.forward(random.matrices(5, {3}))),
                    "g2d: reference::fusion::Gated: expected at least 2 modalities, got 1");
  CHECK_THROWS_WITH((fusion::Gated{two, random.linear(2, 2), 2}.forward(random.matrices(5, {3, 4}))),
                    "g2d: reference::fusion::Gated: expected gating modality below 2, got 2");
  CHECK_THROWS_WITH((fusion::Gated{two, random.linear(3, 2)}.forward(random.matrices(5, {3, 4}))),
                    "g2d: reference::fusion::Gated: projection weight: expected [3, 3], got [2, 3]");
  CHECK_THROWS_WITH((fusion::Film{random.linear(3, 4), random.linear(2, 2), 2}.forward(random.matrices(5, {2, 2}))),
                    "g2d: reference::fusion::Film: expected conditioning modality below 2, got 2");
  CHECK_THROWS_WITH((fusion::Film{random.linear(3, 5), random.linear(2, 2)}.forward(random.matrices(5, {3, 2}))),
                    "g2d: reference::fusion::Film: film weight: expected [4, 3], got [5, 3]");
  const Linear shared = random.linear(3, 2);
  CHECK_THROWS_WITH(fusion::SharedHead{shared}.forward(random.matrices(5, {3, 4})),
                    "g2d: reference::fusion::SharedHead: modality 1 of 2: expected [5, 3], got [5, 4]");
  CHECK_THROWS_WITH((fusion::Boosted{shared, shared}.forward({})),
                    "g2d: reference::fusion::Boosted: expected at least 1 modalities, got 0");
  CHECK_THROWS_WITH((fusion::CrossExcitation{random.linear(6, 2), two, two}.forward(random.matrices(5, {3, 4}))),
                    "g2d: reference::fusion::CrossExcitation: squeeze weight: expected [2, 7], got [2, 6]");
  CHECK_THROWS_WITH((fusion::CrossExcitation{random.linear(7, 2), {}, two}.forward(random.matrices(5, {3, 4}))),
                    "g2d: reference::fusion::CrossExcitation: expected 2 excitations, got 0");
  CHECK_THROWS_WITH((fusion::CrossExcitation{random.linear(7, 2), two, two}.forward(random.matrices(5, {3, 4}))),
                    "g2d: reference::fusion::CrossExcitation: excitation weight: expected [3, 2], got [2, 3]");
}
