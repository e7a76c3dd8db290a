// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <g2d/reference/readout/authors.hpp>
#include <g2d/reference/readout/exact_split.hpp>
#include <g2d/reference/readout/masked_forward.hpp>
#include <g2d/reference/readout/own_heads.hpp>

#include <variant>
#include <vector>

#include "fusion_cases.hpp"
#include "random.hpp"
#include "support/catch.hpp"

using namespace g2d::reference;

namespace {

Matrix total(const PerModality& parts) {
  Matrix sum = parts[0];
  for (std::size_t m = 1; m < parts.size(); ++m) sum += parts[m];
  return sum;
}

bool near(const Matrix& a, const Matrix& b) { return (a - b).cwiseAbs().maxCoeff() < 1e-12; }

}  // namespace

TEST_CASE("readout: exact splits add up to the fused logits", "[reference][readout]") {
  g2d_test::Random random(11);
  for (std::size_t num_modalities = 1; num_modalities <= 5; ++num_modalities) {
    for (const auto& [name, widths, any] : g2d_test::fusion_cases(num_modalities, 3, random)) {
      CAPTURE(num_modalities, name);
      const PerModality features = random.matrices(4, widths);
      std::visit(
          [&](const auto& fusion) {
            if constexpr (requires { readout::exact_split(fusion, features); }) {
              CHECK(near(total(readout::exact_split(fusion, features)), fusion.forward(features).logits));
            }
          },
          any.choice);
    }
  }
}

TEST_CASE("readout: the authors' outputs of Late average to the whole, those of Concat add up to it",
          "[reference][readout]") {
  g2d_test::Random random(12);
  const PerModality features = random.matrices(4, {2, 3, 5});
  const fusion::Late late{{random.linear(2, 3), random.linear(3, 3), random.linear(5, 3)}};
  const fusion::Concat concat{{2, 3, 5}, random.linear(10, 3)};
  CHECK(near(total(readout::authors(late, features)) / 3.0, late.forward(features).logits));
  CHECK(near(total(readout::authors(concat, features)), concat.forward(features).logits));
}

TEST_CASE("readout: the authors' outputs of Sum count each bias 1/M times", "[reference][readout]") {
  g2d_test::Random random(13);
  const PerModality features = random.matrices(4, {2, 3});
  const fusion::Sum sum{{random.linear(2, 3), random.linear(3, 3)}};
  const PerModality outputs = readout::authors(sum, features);
  for (std::size_t m = 0; m < 2; ++m) {
    const Matrix expected = (features[m] * sum.heads[m].weight.transpose()).rowwise() + sum.heads[m].bias / 2.0;
    CHECK(near(outputs[m], expected));
  }
}

TEST_CASE("readout: in the authors' outputs of Film every modality conditions itself", "[reference][readout]") {
  g2d_test::Random random(14);
  const PerModality features = random.matrices(4, {3, 3});
  const fusion::Film film{random.linear(3, 6), random.linear(3, 2)};
  const PerModality outputs = readout::authors(film, features);
  for (std::size_t m = 0; m < 2; ++m) {
    const Matrix gamma_beta = (features[m] * film.film.weight.transpose()).rowwise() + film.film.bias;
    const Matrix modulated = gamma_beta.leftCols(3).cwiseProduct(features[m]) + gamma_beta.rightCols(3);
    const Matrix expected = (modulated * film.output.weight.transpose()).rowwise() + film.output.bias / 2.0;
    CHECK(near(outputs[m], expected));
  }

  const fusion::Film wide{random.linear(2, 6), random.linear(3, 2)};
  CHECK_THROWS_AS(readout::authors(wide, random.matrices(4, {2, 3})), g2d::ShapeError);
  CHECK_THROWS_WITH(readout::authors(wide, random.matrices(4, {2, 3})),
                    "g2d: reference::readout::authors: modality 0 conditions itself: film weight: expected [4, 2], got "
                    "[6, 2]");
}

TEST_CASE("readout: the authors' outputs of Gated leave out the gate", "[reference][readout]") {
  g2d_test::Random random(15);
  const PerModality features = random.matrices(4, {2, 3});
  const fusion::Gated gated{{random.linear(2, 4), random.linear(3, 4)}, random.linear(4, 2)};
  const PerModality outputs = readout::authors(gated, features);
  const PerModality projected = gated.forward(features).features;
  for (std::size_t m = 0; m < 2; ++m) {
    const Matrix expected = (projected[m] * gated.output.weight.transpose()).rowwise() + gated.output.bias / 2.0;
    CHECK(near(outputs[m], expected));
  }
}

TEST_CASE("readout: a masked forward keeps one modality and every bias", "[reference][readout]") {
  g2d_test::Random random(16);
  for (const auto& [name, widths, fusion] : g2d_test::fusion_cases(3, 2, random)) {
    CAPTURE(name);
    const PerModality features = random.matrices(4, widths);
    const PerModality outputs = readout::masked_forward(fusion, features);
    for (std::size_t m = 0; m < 3; ++m) {
      PerModality masked{Matrix::Zero(4, widths[0]), Matrix::Zero(4, widths[1]), Matrix::Zero(4, widths[2])};
      masked[m] = features[m];
      CHECK(outputs[m] == fusion.forward(masked).logits);
    }
  }
}

TEST_CASE("readout: own heads are one linear layer per modality", "[reference][readout]") {
  g2d_test::Random random(17);
  const std::vector<Linear> heads{random.linear(2, 3), random.linear(4, 3)};
  const PerModality features = random.matrices(5, {2, 4});
  const PerModality outputs = readout::own_heads(heads, features);
  for (std::size_t m = 0; m < 2; ++m) CHECK(outputs[m] == heads[m].forward(features[m]));
  CHECK_THROWS_WITH(readout::own_heads(heads, random.matrices(5, {2, 3})),
                    "g2d: reference::readout::own_heads: modality 1 of 2: expected [5, 4], got [5, 3]");
}
