// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Properties and gradients of every fusion and readout in support/policy_lists.hpp.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <type_traits>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>
#include <g2d/core/linear.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/readout/any.hpp>

#include "support/check_report.hpp"
#include "support/fusion_cases.hpp"
#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "unit/policy_case.hpp"

namespace {

using namespace g2d_test;
using g2d::check::compare;

g2d::PerModality<at::Tensor> rows(const g2d::PerModality<at::Tensor>& tensors, const at::Tensor& order) {
  g2d::PerModality<at::Tensor> selected;
  for (const auto& tensor : tensors) selected.push_back(tensor.index_select(0, order));
  return selected;
}

at::Tensor total(const g2d::PerModality<at::Tensor>& parts) {
  return torch::stack(std::vector<at::Tensor>(parts.begin(), parts.end())).sum(0);
}

/// The readout's parameters, if it has any.
template <class Readout>
g2d::Parameters own_parameters(const Readout& readout) {
  if constexpr (requires { readout.parameters(); }) {
    return readout.parameters();
  } else {
    return {};
  }
}

}  // namespace

TEST_CASE("fusion: gradients agree with finite differences", "[fusion]") {
  for_each_fusion(torch::kDouble, [](const auto& fusion, const auto& features, const std::string& description) {
    if (!has_full_gradient<std::remove_cvref_t<decltype(fusion)>>) return;
    INFO(description);
    const auto loss = [&] {
      const auto output = fusion.forward(features);
      auto parts = output.features;
      parts.push_back(output.logits);
      return mixed(parts);
    };
    CHECK_REPORT(g2d::check::gradient(loss, variables(features, fusion.parameters())));
  });
}

TEST_CASE("readout: shapes are [B, C] and gradients agree with finite differences", "[readout]") {
  for_each_fusion(torch::kDouble, [](const auto& fusion, const auto& features, const std::string& description) {
    INFO(description);
    for_each_readout(fusion, torch::kDouble, [&](const auto& readout) {
      INFO(c10::demangle_type<std::remove_cvref_t<decltype(readout)>>());
      const auto parts = readout.unimodal_logits(fusion, features);
      REQUIRE(parts.size() == features.size());
      for (const auto& part : parts) {
        CHECK(part.sizes() == at::IntArrayRef{features[0].size(0), fusion.shape().num_outputs()});
      }
      if (!has_full_gradient<std::remove_cvref_t<decltype(fusion)>>) return;
      auto parameters = fusion.parameters();
      for (const auto& parameter : own_parameters(readout)) parameters.push_back(parameter);
      const auto loss = [&] { return mixed(readout.unimodal_logits(fusion, features)); };
      CHECK_REPORT(g2d::check::gradient(loss, variables(features, parameters)));
    });
  });
}

TEST_CASE("readout::ExactSplit: the parts add up to the fused logits", "[readout][fusion]") {
  std::size_t checked = 0;
  for_each_fusion(torch::kDouble, [&](const auto& fusion, const auto& features, const std::string& description) {
    if constexpr (g2d::fusion::SplitsByModality<std::remove_cvref_t<decltype(fusion)>>) {
      INFO(description);
      const auto logits = fusion.forward(features).logits;
      CHECK_REPORT(compare(total(readout::ExactSplit().unimodal_logits(fusion, features)), logits, "sum of the parts",
                           rounding));
      if (!g2d::fusion::averages_heads(fusion)) {
        CHECK_REPORT(
            compare(total(readout::Auto().unimodal_logits(fusion, features)), logits, "sum by Auto", rounding));
      }
      ++checked;
    }
  });
  CHECK(checked == 8 * most_modalities - 1);
}

TEST_CASE("readout::Auto: what a modality says alone is no smaller for being averaged", "[readout][fusion]") {
  std::size_t checked = 0;
  for_each_fusion(torch::kDouble, [&](const auto& fusion, const auto& features, const std::string& description) {
    if (!g2d::fusion::averages_heads(fusion)) return;
    INFO(description);
    CHECK(g2d::fusion::averages_heads(g2d::fusion::Any(fusion)));
    const auto logits = readout::Auto().unimodal_logits(fusion, features);
    if constexpr (std::is_same_v<std::remove_cvref_t<decltype(fusion)>, g2d::fusion::Late>) {
      const auto heads = fusion.parameters();
      for (std::size_t m = 0; m < features.size(); ++m) {
        const auto head = torch::linear(features[m], heads[2 * m].value, heads[2 * m + 1].value);
        CHECK_REPORT(compare(logits[m], head, "the head itself", rounding));
      }
    }
    // A mean lies between what it is the mean of.
    const auto fused = fusion.forward(features).logits;
    auto least = logits[0], greatest = logits[0];
    for (const auto& of_modality : logits) {
      least = least.minimum(of_modality);
      greatest = greatest.maximum(of_modality);
    }
    CHECK(fused.sub(least).min().template item<double>() > -1e-9);
    CHECK(greatest.sub(fused).min().template item<double>() > -1e-9);
    ++checked;
  });
  CHECK(checked == 3 * most_modalities - 1);
}

TEST_CASE("readout::MaskedForward: one modality alone is the fusion itself; parts differ by the bias only",
          "[readout][fusion]") {
  for_each_fusion(torch::kDouble, [](const auto& fusion, const auto& features, const std::string& description) {
    INFO(description);
    const auto logits = fusion.forward(features).logits;
    const auto parts = readout::MaskedForward().unimodal_logits(fusion, features);
    if (features.size() == 1) CHECK_REPORT(compare(parts[0], logits, "the only part", rounding));
    if constexpr (has_independent_parts<std::remove_cvref_t<decltype(fusion)>>) {
      g2d::PerModality<at::Tensor> zeros;
      for (const auto& x : features) zeros.push_back(torch::zeros_like(x));
      const auto bias = fusion.forward(zeros).logits;
      const auto repeated = static_cast<double>(features.size()) - 1.0;
      CHECK_REPORT(compare(total(parts) - repeated * bias, logits, "parts without the repeated bias", rounding));
    }
  });
}

TEST_CASE("readout::Auto: is MaskedForward where no exact split exists", "[readout][fusion]") {
  for_each_fusion(torch::kDouble, [](const auto& fusion, const auto& features, const std::string& description) {
    if constexpr (!g2d::fusion::SplitsByModality<std::remove_cvref_t<decltype(fusion)>>) {
      INFO(description);
      const auto automatic = readout::Auto().unimodal_logits(fusion, features);
      const auto masked = readout::MaskedForward().unimodal_logits(fusion, features);
      for (std::size_t m = 0; m < features.size(); ++m) CHECK(torch::equal(automatic[m], masked[m]));
    }
  });
}

TEST_CASE("fusion: samples do not see each other", "[fusion]") {
  for_each_fusion(torch::kDouble, [](const auto& fusion, const auto& features, const std::string& description) {
    INFO(description);
    const auto order = torch::randperm(features[0].size(0));
    CHECK_REPORT(compare(fusion.forward(rows(features, order)).logits,
                         fusion.forward(features).logits.index_select(0, order), "permuted logits", rounding));
  });
}

TEST_CASE("fusion::Sum and Late: the order of the modalities does not matter", "[fusion]") {
  const std::vector<std::int64_t> widths{2, 5, 3};
  Random random(1);
  const auto features = random.matrices(4, widths);
  for_each(List<fusion::Sum, fusion::Late>(), [&]<class Fusion>(std::type_identity<Fusion>) {
    const Fusion forwards({names(3), widths, 4});
    const Fusion backwards({names(3), {3, 5, 2}, 4});
    for (std::size_t m = 0; m < 3; ++m) {
      for (std::size_t i = 0; i < 2; ++i) {
        backwards.parameters()[2 * (2 - m) + i].value.set_data(forwards.parameters()[2 * m + i].value);
      }
    }
    move(forwards.parameters(), torch::kDouble);
    move(backwards.parameters(), torch::kDouble);
    const g2d::PerModality<at::Tensor> reversed{features[2], features[1], features[0]};
    CHECK_REPORT(compare(backwards.forward(reversed).logits, forwards.forward(features).logits, "logits", rounding));
  });
}

TEST_CASE("fusion::Film: the modalities that are conditioned may be exchanged", "[fusion]") {
  Random random(2);
  const fusion::Film film({names(3), {4, 2, 4}, 3}, {.conditioning = "image"});
  CHECK(film.conditioning() == 1);
  move(film.parameters(), torch::kDouble);
  const auto features = random.matrices(5, {4, 2, 4});
  const g2d::PerModality<at::Tensor> exchanged{features[2], features[1], features[0]};
  CHECK_REPORT(compare(film.forward(exchanged).logits, film.forward(features).logits, "logits", rounding));
}

TEST_CASE("fusion::Gated: the width of the projections is the first gated modality's, or as asked for", "[fusion]") {
  CHECK(fusion::Gated({names(2), {4, 7}, 3}).handed_on_width(0) == 7);
  CHECK(fusion::Gated({names(2), {4, 7}, 3}, {.conditioning = "image"}).handed_on_width(0) == 4);
  CHECK(fusion::Gated({names(2), {4, 7}, 3}, {.projection_width = 5}).handed_on_width(1) == 5);
}

namespace {

/// "SharedHead" is chosen as "shared-head".
template <class Policy>
std::string choice_name() {
  const std::string name(c10::demangle_type<Policy>());
  std::string choice;
  for (const char letter : name.substr(name.rfind(':') + 1)) {
    if (std::isupper(letter) != 0 && !choice.empty()) choice += '-';
    choice += static_cast<char>(std::tolower(letter));
  }
  return choice;
}

}  // namespace

TEST_CASE("fusion::Any: is the fusion that it holds", "[fusion]") {
  const g2d::FusionShape shape(names(2), {3, 3}, 4);
  Random random(4, torch::kFloat);
  const auto features = random.matrices(5, shape.feature_widths());
  std::size_t found = 0;
  for_each(Fusions(), [&]<class Fusion>(std::type_identity<Fusion>) {
    const auto name = choice_name<Fusion>();
    INFO(name);
    torch::manual_seed(3);
    const auto any = fusion::make(name, shape, "image");
    torch::manual_seed(3);
    const auto held = [&] {
      if constexpr (has_conditioning<Fusion>)
        return make_fusion<Fusion>(shape, 1);
      else
        return Fusion(shape);
    }();
    CHECK(torch::equal(any.forward(features).logits, held.forward(features).logits));
    CHECK(torch::equal(any.authors_logits(features)[1], held.authors_logits(features)[1]));
    CHECK(any.handed_on_width(0) == g2d::fusion::handed_on_width(held, 0));
    CHECK(any.splits() == g2d::fusion::SplitsByModality<Fusion>);
    CHECK(any.template get_if<Fusion>() != nullptr);
    CHECK((any.template get_if<fusion::Late>() != nullptr) == (name == "late"));
    if constexpr (g2d::fusion::SplitsByModality<Fusion>) {
      CHECK(torch::equal(any.split_logits(features)[1], held.split_logits(features)[1]));
    }
    for (const auto& readout_name : readout::choices) {
      if (readout_name == "exact" && !any.splits()) continue;
      INFO(readout_name);
      const auto parts = readout::make(readout_name, shape).unimodal_logits(any, features);
      CHECK(parts.size() == 2);
      CHECK(parts[1].sizes() == at::IntArrayRef{5, 4});
    }
    found += static_cast<std::size_t>(std::count(fusion::choices.begin(), fusion::choices.end(), name));
  });
  CHECK(found == fusion::choices.size());
}

TEST_CASE("core::Linear: draws the numbers that torch::nn::Linear draws", "[core]") {
  torch::manual_seed(5);
  const g2d::Linear own(7, 3);
  torch::manual_seed(5);
  const torch::nn::Linear theirs(7, 3);
  CHECK(torch::equal(own.weight, theirs->weight));
  CHECK(torch::equal(own.bias, theirs->bias));
}
