// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// What is particular to each fusion that a method of the field brings; what all fusions share is in fusion_test.cpp.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/interop/check_fusion.hpp>
#include <g2d/reference/fusion/shared_head.hpp>

#include "support/check_report.hpp"
#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "support/test_directory.hpp"

namespace {

using namespace g2d_test;
using g2d::check::compare;
using nlohmann::json;
using Features = g2d::PerModality<at::Tensor>;

constexpr double rounding = 1e-12;

at::Tensor tensor_of(const json& array) {
  const auto values = array["values"].get<std::vector<double>>();
  return torch::tensor(values, torch::kDouble).view(array["shape"].get<std::vector<std::int64_t>>());
}

Features tensors_of(const json& arrays) {
  Features tensors;
  for (const auto& array : arrays) tensors.push_back(tensor_of(array));
  return tensors;
}

/// The fusion in double precision.
template <class Fusion>
Fusion in_double(Fusion fusion) {
  move(fusion.parameters(), torch::kDouble);
  return fusion;
}

at::Tensor gradient_of(const at::Tensor& output, const at::Tensor& variable) {
  return torch::autograd::grad({output.sum()}, {variable}, {}, /*retain_graph=*/true)[0];
}

void check_order_does_not_matter(const auto& fusion) {
  Random random(1);
  const auto features = random.matrices(5, {4, 4, 4});
  const Features exchanged{features[2], features[0], features[1]};
  CHECK_REPORT(compare(fusion.forward(exchanged).logits, fusion.forward(features).logits, "logits", rounding));
}

}  // namespace

TEST_CASE("fusion: the fusions of methods equal their papers' formulas in NumPy", "[fusion][golden]") {
  std::ifstream file(g2d_test::test_directory() / "unit" / "golden" / "fusions.json");
  const auto cases = json::parse(file)["cases"];
  REQUIRE(cases.size() == 10);
  for (const auto& golden : cases) {
    const auto name = golden["fusion"].get<std::string>();
    const auto features = tensors_of(golden["features"]);
    INFO(name << " of " << features.size() << " modalities");
    std::vector<std::int64_t> widths;
    for (const auto& x : features) widths.push_back(x.size(1));
    const auto logits = tensor_of(golden["logits"]);
    const auto any = fusion::make(name, {names(features.size()), widths, logits.size(1)});

    const auto parameters = any.parameters();
    REQUIRE(parameters.size() == golden["parameters"].size());
    for (const auto& [parameter, value, modality] : parameters) {
      value.set_data(tensor_of(golden["parameters"].at(parameter)));
    }
    const auto output = any.forward(features);
    const auto own = any.authors_logits(features);
    const auto parts = any.split_logits(features);
    CHECK_REPORT(compare(output.logits, logits, "logits", rounding));
    for (std::size_t m = 0; m < features.size(); ++m) {
      CHECK_REPORT(compare(output.features[m], tensor_of(golden["handed_on"][m]), "handed on", rounding));
      CHECK_REPORT(compare(own[m], tensor_of(golden["own"][m]), "own logits", rounding));
      CHECK_REPORT(compare(parts[m], tensor_of(golden["parts"][m]), "parts", rounding));
    }
  }
}

TEST_CASE("fusion::Cosine: no modality says more than the scale, however long features and weights are", "[fusion]") {
  Random random(2);
  const auto cosine = in_double(fusion::Cosine({names(2), {3, 6}, 5}, {.scale = 7.0}));
  const auto features = random.matrices(40, {3, 6});
  const auto logits = cosine.split_logits(features);
  for (const auto& z : logits) {
    CHECK(z.abs().max().item<double>() <= 7.0 + rounding);
    CHECK(z.abs().max().item<double>() > 3.0);
  }
  for (const double factor : {1e-6, 1e6}) {
    const auto rows = random.normal({40, 1}).abs().add(0.1);
    const auto longer = cosine.split_logits(Features{features[0] * rows * factor, features[1]});
    CHECK_REPORT(compare(longer[0], logits[0], "longer features", 1e-10));
  }
  const auto classes = random.normal({5, 1}).abs().add(0.1);
  cosine.parameters()[0].value.set_data(cosine.parameters()[0].value.detach() * classes);
  CHECK_REPORT(compare(cosine.split_logits(features)[0], logits[0], "longer weights", 1e-10));
}

TEST_CASE("fusion::Cosine: a modality of zeros says nothing and passes no gradient", "[fusion]") {
  const auto cosine = in_double(fusion::Cosine({names(2), {3, 2}, 4}));
  const Features features{torch::zeros({5, 3}, torch::kDouble).requires_grad_(), Random(3).normal({5, 2})};
  const auto logits = cosine.split_logits(features);
  CHECK(torch::equal(logits[0], torch::zeros({5, 4}, torch::kDouble)));
  CHECK(torch::equal(cosine.forward(features).logits, logits[1]));
  CHECK(torch::equal(gradient_of(logits[0].square() + logits[0], features[0]), torch::zeros({5, 3}, torch::kDouble)));
}

TEST_CASE("fusion::SharedHead: the weights of a sample add up to 1, and who is unsure counts less", "[fusion]") {
  const fusion::SharedHead shared({names(3), {2, 2, 2}, 4});
  Random random(4);
  const Features logits{random.normal({6, 4}), torch::full({6, 4}, 0.3, torch::kDouble), 30.0 * random.normal({6, 4})};
  const auto weights = shared.weights(logits);
  CHECK(weights.sizes() == at::IntArrayRef{6, 3});
  CHECK_REPORT(compare(weights.sum(1), torch::ones({6}, torch::kDouble), "sum", rounding));
  CHECK(weights.argmin(1).eq(1).all().item<bool>());
  CHECK(weights.argmax(1).eq(2).all().item<bool>());

  // Entropies log 4 and 0.
  const Features extremes{torch::zeros({1, 4}, torch::kDouble), torch::tensor({{1e4, 0.0, 0.0, 0.0}}, torch::kDouble)};
  CHECK_REPORT(compare(shared.weights(extremes), torch::tensor({{0.2, 0.8}}, torch::kDouble), "extremes", rounding));
}

TEST_CASE("fusion::SharedHead: by the mean it is the reference too, and takes one output", "[fusion]") {
  for (std::size_t modalities = 1; modalities <= 4; ++modalities) {
    const std::vector<std::int64_t> widths(modalities, 3);
    const auto shared =
        in_double(fusion::SharedHead({names(modalities), widths, 1}, {.weighting = fusion::Weighting::Mean}));
    const auto features = Random(modalities).matrices(5, widths);
    CHECK_REPORT(g2d::interop::check_fusion(shared, g2d::reference::fusion::SharedHead{{}, false}, features, rounding));
    const auto logits = shared.authors_logits(features);
    const auto mean = torch::stack(std::vector<at::Tensor>(logits.begin(), logits.end())).mean(0);
    CHECK_REPORT(compare(shared.forward(features).logits, mean, "mean", rounding));
  }
}

TEST_CASE("fusion::SharedHead and Boosted: the order of the modalities does not matter", "[fusion]") {
  const g2d::FusionShape shape(names(3), {4, 4, 4}, 3);
  check_order_does_not_matter(in_double(fusion::SharedHead(shape)));
  check_order_does_not_matter(in_double(fusion::Boosted(shape)));
}

TEST_CASE("fusion::SharedHead and Boosted: no tensor belongs to one modality", "[fusion]") {
  const g2d::FusionShape shape(names(3), {4, 4, 4}, 3);
  for (const auto& parameter : fusion::SharedHead(shape).parameters()) CHECK_FALSE(parameter.modality.has_value());
  for (const auto& parameter : fusion::Boosted(shape).parameters()) CHECK_FALSE(parameter.modality.has_value());
}

TEST_CASE("fusion::EnergyWeighted: the gradient takes the confidences for constants", "[fusion]") {
  const auto weighted = in_double(fusion::EnergyWeighted({names(2), {3, 2}, 4}));
  auto features = Random(5).matrices(6, {3, 2});
  const Features held{fusion::EnergyWeighted::confidence(weighted.authors_logits(features)[0]).detach().unsqueeze(1),
                      fusion::EnergyWeighted::confidence(weighted.authors_logits(features)[1]).detach().unsqueeze(1)};
  const auto loss_of = [](const at::Tensor& logits) { return logits.sin().sum(); };
  const auto with_constants = [&] {
    const auto logits = weighted.authors_logits(features);
    return loss_of(logits[0] * held[0] + logits[1] * held[1]);
  };
  std::vector<at::Tensor> variables{features[0].requires_grad_(), features[1].requires_grad_()};
  for (const auto& parameter : weighted.parameters()) variables.push_back(parameter.value);
  CHECK_REPORT(g2d::check::gradient(with_constants, variables));

  const auto expected = torch::autograd::grad({with_constants()}, variables);
  const auto got = torch::autograd::grad({loss_of(weighted.forward(features).logits)}, variables);
  for (std::size_t i = 0; i < variables.size(); ++i) {
    CHECK_REPORT(compare(got[i], expected[i], fmt::format("gradient {}", i), rounding));
  }
}

TEST_CASE("fusion::EnergyWeighted: the confidence grows by a tenth of what is added to all logits", "[fusion]") {
  const auto logits = Random(6).normal({5, 4});
  const auto confidence = fusion::EnergyWeighted::confidence(logits);
  CHECK(confidence.sizes() == at::IntArrayRef{5});
  CHECK_REPORT(compare(fusion::EnergyWeighted::confidence(logits + 20.0), confidence + 2.0, "confidence", rounding));
  CHECK_REPORT(compare(fusion::EnergyWeighted::confidence(torch::zeros({1, 4}, torch::kDouble)),
                       torch::full({1}, std::log(4.0) / 10.0, torch::kDouble), "of zeros", rounding));
}

TEST_CASE("fusion::Boosted: the ensemble is the scale times the sum of the learners, at first the sum", "[fusion]") {
  const auto boosted = in_double(fusion::Boosted({names(2), {3, 3}, 4}));
  const auto features = Random(7).matrices(5, {3, 3});
  const auto learners = boosted.authors_logits(features);
  CHECK(boosted.scale().dim() == 0);
  CHECK(boosted.scale().requires_grad());
  CHECK(boosted.parameters()[0].value.sizes() == at::IntArrayRef{256, 3});
  CHECK_REPORT(compare(boosted.forward(features).logits, learners[0] + learners[1], "at first", rounding));
  const auto logits = boosted.forward(features).logits;
  CHECK_REPORT(compare(gradient_of(logits, boosted.scale()), (learners[0] + learners[1]).sum(), "slope", rounding));

  boosted.scale().set_data(torch::tensor(-0.5, torch::kDouble));
  CHECK_REPORT(compare(boosted.split_logits(features)[1], -0.5 * learners[1], "part", rounding));
}

TEST_CASE("fusion::CrossExcitation: the gates damp, and every modality moves them", "[fusion]") {
  const auto excited = in_double(fusion::CrossExcitation({names(3), {3, 2, 4}, 5}));
  const auto features = Random(8).matrices(6, {3, 2, 4});
  const auto gated = excited.forward(features).features;
  for (std::size_t m = 0; m < 3; ++m) {
    CHECK(excited.shape().feature_width(m) == gated[m].size(1));
    CHECK(((gated[m] / features[m]) > 0).all().item<bool>());
    CHECK(((gated[m] / features[m]) < 1).all().item<bool>());
  }
  const auto changed = excited.forward(Features{features[0], features[1], features[2] + 1.0}).features;
  CHECK_FALSE(torch::equal(changed[0], gated[0]));
}

TEST_CASE("fusion::CrossExcitation: its squeeze is 2 sum D / ratio wide, its excitation can be told from its heads",
          "[fusion]") {
  const auto squeezed = [](const std::vector<std::int64_t>& widths, std::int64_t ratio) {
    return fusion::CrossExcitation({names(widths.size()), widths, 3}, {.ratio = ratio}).parameters()[0].value.size(0);
  };
  CHECK(squeezed({512, 512}, 4) == 512);
  CHECK(squeezed({7, 4, 2}, 4) == 6);
  CHECK(squeezed({1, 1}, 8) == 1);

  const fusion::CrossExcitation excited({names(2), {3, 2}, 5});
  const auto all = excited.parameters();
  const auto excitation = excited.excitation_parameters();
  REQUIRE(all.size() == 10);
  REQUIRE(excitation.size() == 6);
  for (std::size_t i = 0; i < excitation.size(); ++i) {
    CHECK(excitation[i].value.is_same(all[i].value));
    CHECK(excitation[i].modality == (i < 2 ? std::nullopt : std::optional<std::size_t>(i / 2 - 1)));
  }
  CHECK(all[2].name == "excite.audio.weight");
  CHECK(all[9].name == "head.image.bias");
}

TEST_CASE("fusion::ExcitationGate: a curated modality does without the others, in the armed pass only", "[fusion]") {
  const auto excited = in_double(fusion::CrossExcitation({names(2), {3, 2}, 4}));
  const fusion::Any held(excited);
  auto gate = excited.gate();
  Random random(9);
  const auto features = random.matrices(6, {3, 2});
  const Features others{features[0], features[1] + 1.0};
  const auto mean_gate = random.normal({3}).sigmoid();
  const auto plain = held.forward(features);
  CHECK(gate.recorded().empty());

  gate.arm({{torch::tensor(true), mean_gate}, {}});
  const auto split = held.split_logits(features);
  const auto curated = held.forward(features);
  CHECK_REPORT(compare(curated.features[0], features[0] * mean_gate, "curated", rounding));
  CHECK(torch::equal(curated.features[1], plain.features[1]));
  CHECK_REPORT(compare(split[0] + split[1], plain.logits, "readouts are not curated", rounding));
  CHECK(torch::equal(held.forward(features).logits, plain.logits));

  REQUIRE(gate.recorded().size() == 2);
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK_FALSE(gate.recorded()[m].requires_grad());
    CHECK_REPORT(compare(gate.recorded()[m] * features[m], plain.features[m], "recorded", rounding));
  }

  gate.arm({{torch::tensor(true), mean_gate}, {}});
  CHECK(torch::equal(held.forward(others).features[0], curated.features[0]));
  gate.arm({{torch::tensor(false), mean_gate}, {}});
  CHECK(torch::equal(held.forward(features).logits, plain.logits));
  gate.arm({{}, {}});
  CHECK(torch::equal(held.forward(features).logits, plain.logits));
}

TEST_CASE("fusion::ExcitationGate: the layers of a curated gate get no gradient", "[fusion]") {
  const auto excited = in_double(fusion::CrossExcitation({names(2), {3, 2}, 4}));
  const auto features = Random(10).matrices(6, {3, 2});
  auto gate = excited.gate();
  gate.arm({{torch::tensor(true), torch::full({3}, 0.5, torch::kDouble)}, {}});
  excited.forward(features).logits.sum().backward();
  for (const auto& parameter : excited.excitation_parameters()) {
    INFO(parameter.name);
    const bool is_curated = parameter.modality == std::optional<std::size_t>(0);
    CHECK(parameter.value.grad().any().item<bool>() != is_curated);
  }
}
