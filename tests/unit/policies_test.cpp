// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Properties and gradients of every policy in support/policy_lists.hpp.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>
#include <g2d/confidence/order.hpp>
#include <g2d/confidence/ratios.hpp>
#include <g2d/distillation/any.hpp>
#include <g2d/distillation/weight.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/readout/any.hpp>

#include "support/check_report.hpp"
#include "support/fusion_cases.hpp"
#include "support/policy_lists.hpp"
#include "support/random_case.hpp"
#include "support/thrown.hpp"

namespace {

using namespace g2d_test;
using g2d::check::compare;

constexpr double rounding = 1e-12;

/// A scalar that depends on all elements of all tensors, with coefficients that differ.
at::Tensor mixed(const g2d::PerModality<at::Tensor>& tensors) {
  at::Tensor sum = torch::zeros({}, torch::kDouble);
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    const auto coefficients =
        torch::arange(tensors[i].numel(), torch::kDouble).mul(1.3).add(static_cast<double>(i)).cos();
    sum = sum + tensors[i].flatten().dot(coefficients);
  }
  return sum;
}

std::vector<at::Tensor> variables(const g2d::PerModality<at::Tensor>& inputs, const g2d::Parameters& parameters) {
  std::vector<at::Tensor> all;
  for (const auto& input : inputs) all.push_back(input.requires_grad_());
  for (const auto& parameter : parameters) all.push_back(parameter.value);
  return all;
}

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

double value(const at::Tensor& scalar) { return scalar.item<double>(); }

}  // namespace

// --- fusions and readouts ---

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
      CHECK_REPORT(compare(total(readout::Auto().unimodal_logits(fusion, features)), logits, "sum by Auto", rounding));
      ++checked;
    }
  });
  CHECK(checked == 8 * most_modalities - 1);
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

// --- distillation ---

TEST_CASE("distillation: gradients agree with finite differences", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    Random random(6);
    const auto student = random.normal({4, 5}).requires_grad_();
    const auto teacher = random.normal({4, 5});
    CHECK_REPORT(g2d::check::gradient([&] { return formula(student, teacher); }, {student}));
    CHECK_REPORT(g2d::check::gradient([&] { return formula.per_sample(student, teacher).square().sum(); }, {student}));
  });
}

TEST_CASE("distillation: the loss of a batch is the mean of its samples' losses", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    Random random(7);
    const auto student = random.normal({6, 5});
    const auto teacher = random.normal({6, 5});
    const auto samples = formula.per_sample(student, teacher);
    CHECK(samples.sizes() == at::IntArrayRef{6});
    CHECK_REPORT(compare(samples.mean(), formula(student, teacher), "mean", rounding));
    CHECK(samples.min().template item<double>() >= 0.0);
  });
}

TEST_CASE("distillation: is zero, with a zero gradient, where the student equals the teacher", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    Random random(8);
    const auto teacher = random.normal({4, 5});
    const auto student = teacher.clone().requires_grad_();
    const auto loss = formula(student, teacher);
    CHECK(std::abs(value(loss)) < rounding);
    const auto gradient = g2d::check::detail::gradients(loss, {student})[0];
    CHECK(gradient.abs().max().template item<double>() < rounding);
  });
}

TEST_CASE("distillation: extreme numbers stay finite", "[distillation]") {
  for_each_distillation([](const auto& formula, const std::string& description) {
    INFO(description);
    const auto student = torch::tensor({{3e3, -3e3, 0.0}, {0.0, 0.0, 0.0}}, torch::kDouble).requires_grad_();
    const auto teacher = torch::tensor({{-3e3, 3e3, 1.0}, {3e3, 0.0, -3e3}}, torch::kDouble);
    const auto loss = formula(student, teacher);
    CHECK(std::isfinite(value(loss)));
    CHECK(torch::isfinite(g2d::check::detail::gradients(loss, {student})[0]).all().template item<bool>());
  });
}

TEST_CASE("distillation::Kl: with one temperature several teachers act as their weighted mean", "[distillation][kl]") {
  Random random(9);
  const double temperature = 2.5;
  const distillation::Kl kl({.temperature = temperature});
  const auto student = random.normal({4, 6}).requires_grad_();
  const std::vector<double> weights{0.3, 1.2, 0.7};
  const auto teachers = random.matrices(4, {6, 6, 6});

  at::Tensor sum = torch::zeros({}, torch::kDouble);
  at::Tensor mean = torch::zeros({4, 6}, torch::kDouble);
  for (std::size_t m = 0; m < 3; ++m) {
    sum = sum + weights[m] * kl(student, teachers[m]);
    mean = mean + weights[m] / 2.2 * torch::softmax(teachers[m] / temperature, 1);
  }
  const auto to_mean = 2.2 * kl(student, mean.log() * temperature);
  using g2d::check::detail::gradients;
  CHECK_REPORT(compare(gradients(sum, {student})[0], gradients(to_mean, {student})[0], "gradient", rounding));

  const auto other = random.normal({4, 6});
  at::Tensor other_sum = torch::zeros({}, torch::kDouble);
  for (std::size_t m = 0; m < 3; ++m) other_sum = other_sum + weights[m] * kl(other, teachers[m]);
  CHECK_REPORT(compare(other_sum - 2.2 * kl(other, mean.log() * temperature), sum - to_mean, "the constant", 1e-10));
}

TEST_CASE("distillation::Kl: hot, it compares centred logits; cold, it asks for the teacher's choice",
          "[distillation][kl]") {
  Random random(10);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});

  const auto difference = student - teacher;
  const auto centred = difference - difference.mean(1, true);
  const auto hot_limit = value(centred.square().sum(1).mean()) / (2.0 * 6.0);
  CHECK(value(distillation::Kl({.temperature = 1e3})(student, teacher)) == Approx(hot_limit).epsilon(1e-2));

  const double cold = 1e-3;
  const auto margin = std::get<0>(student.max(1)) - student.gather(1, teacher.argmax(1, true)).squeeze(1);
  CHECK(value(distillation::Kl({.temperature = cold})(student, teacher)) / cold ==
        Approx(value(margin.mean())).epsilon(1e-2));
}

TEST_CASE("distillation::Kl: only differences of logits count", "[distillation][kl]") {
  Random random(11);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const distillation::Kl kl;
  CHECK_REPORT(compare(kl(student + 3.0, teacher - 2.0), kl(student, teacher), "shifted", rounding));
}

TEST_CASE("distillation::BernoulliKl: one label is Kl of two classes", "[distillation][kl]") {
  Random random(12);
  const auto student = random.normal({4, 1});
  const auto teacher = random.normal({4, 1});
  const auto pair = [](const at::Tensor& logit) { return torch::cat({logit, torch::zeros_like(logit)}, 1); };
  for (const double temperature : {1.0, 3.0}) {
    CHECK_REPORT(compare(distillation::BernoulliKl({temperature})(student, teacher),
                         distillation::Kl({temperature})(pair(student), pair(teacher)), "divergence", rounding));
  }
}

TEST_CASE("distillation::Cosine: length does not count, and a zero row costs 1", "[distillation]") {
  Random random(13);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const distillation::Cosine cosine;
  CHECK_REPORT(compare(cosine(7.0 * student, 0.1 * teacher), cosine(student, teacher), "scaled", rounding));
  CHECK(value(cosine(torch::zeros_like(student), teacher)) == 1.0);
  CHECK(value(cosine(-teacher, teacher)) == Approx(2.0));
}

TEST_CASE("distillation::Mse: the paper's squared norm is D times the mean over elements", "[distillation]") {
  Random random(14);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const auto by_hand = value((student - teacher).square().sum(1).mean());
  CHECK(value(distillation::Mse({.squared_norm = true})(student, teacher)) == Approx(by_hand));
  CHECK(value(distillation::Mse()(student, teacher)) == Approx(by_hand / 6.0));
}

TEST_CASE("distillation::None: is known to be off, also when chosen at run time", "[distillation]") {
  CHECK_FALSE(g2d::distillation::is_enabled(distillation::None()));
  CHECK(g2d::distillation::is_enabled(distillation::Mse()));
  CHECK_FALSE(g2d::distillation::is_enabled(distillation::make("none")));
  CHECK(g2d::distillation::is_enabled(distillation::make("mse")));
}

TEST_CASE("distillation::Any: is the formula that it holds", "[distillation]") {
  Random random(15);
  const auto student = random.normal({4, 6});
  const auto teacher = random.normal({4, 6});
  const g2d::distillation::KlOptions warm{.temperature = 2.0};
  CHECK(torch::equal(distillation::make("mse")(student, teacher), distillation::Mse()(student, teacher)));
  CHECK(torch::equal(distillation::make("cosine")(student, teacher), distillation::Cosine()(student, teacher)));
  CHECK(torch::equal(distillation::make("kl", warm)(student, teacher), distillation::Kl(warm)(student, teacher)));
  CHECK(torch::equal(distillation::make("bernoulli-kl", warm).per_sample(student, teacher),
                     distillation::BernoulliKl(warm).per_sample(student, teacher)));
  CHECK(value(distillation::make("none")(student, teacher)) == 0.0);
}

TEST_CASE("distillation::Weight: is a number, one for each modality, and changes over the epochs", "[distillation]") {
  using g2d::distillation::Weight;
  CHECK(Weight()(3, 7) == 1.0);
  CHECK(Weight(0.5)(1, 0) == 0.5);
  const Weight each(g2d::PerModality<double>{1.0, 0.25});
  CHECK(each(1, 0) == 0.25);
  const auto fading = each.over_epochs([](std::int64_t epoch) { return epoch < 10 ? 1.0 : 0.0; });
  CHECK(fading(1, 9) == 0.25);
  CHECK(fading(1, 10) == 0.0);
}

TEST_CASE("distillation::connector: gradients agree with finite differences", "[distillation][connector]") {
  const g2d::PerModality<std::int64_t> student_widths{3, 5};
  for_each(Connectors(), [&]<class Connector>(std::type_identity<Connector>) {
    const bool projects = std::is_same_v<Connector, connector::Projection>;
    const g2d::PerModality<std::int64_t> teacher_widths{3, projects ? 4 : 5};
    Connector made;
    made.begin(names(2), student_widths, teacher_widths);
    const auto parameters = made.parameters();
    move(parameters, torch::kDouble);
    CHECK(parameters.size() == (projects ? 2 : 0));
    Random random(16);
    const auto features = random.matrices(4, {3, 5});
    for (std::size_t m = 0; m < 2; ++m) {
      CHECK(made(m, features[m]).sizes() == at::IntArrayRef{4, teacher_widths[m]});
      CHECK_REPORT(
          g2d::check::gradient([&] { return mixed({made(m, features[m])}); }, variables(features, parameters)));
    }
  });
}

// --- tasks and confidence ---

TEST_CASE("task: gradients agree with finite differences and confidences lie in [0, 1]", "[task]") {
  for_each(Tasks(), []<class Task>(std::type_identity<Task>) {
    INFO(c10::demangle_type<Task>());
    const Task task;
    Random random(17);
    const auto output = random.normal({5, 4}).requires_grad_();
    const auto target = random.target(task.output_kind, 5, 4);
    CHECK_NOTHROW(task.check(4, target));
    CHECK_REPORT(g2d::check::gradient([&] { return task.loss(output, target); }, {output}));
    const auto confidence = task.confidence(output, target);
    CHECK(confidence.sizes() == at::IntArrayRef{5});
    CHECK_FALSE(confidence.requires_grad());
    CHECK(confidence.min().template item<double>() >= 0.0);
    CHECK(confidence.max().template item<double>() <= 1.0);
  });
}

TEST_CASE("task::Classification: class weights and label smoothing are LibTorch's", "[task]") {
  Random random(18);
  const auto output = random.normal({8, 4}).requires_grad_();
  const auto target = random.labels(8, 4);
  const auto weights = torch::tensor({0.5, 2.0, 1.0, 0.0});
  for (const double smoothing : {0.0, 0.1}) {
    for (const bool weighted : {false, true}) {
      INFO("smoothing " << smoothing << ", weighted " << weighted);
      const task::Classification task(
          {.class_weights = weighted ? weights : at::Tensor(), .label_smoothing = smoothing});
      auto options = torch::nn::functional::CrossEntropyFuncOptions().label_smoothing(smoothing);
      if (weighted) options.weight(weights.to(torch::kDouble));
      const auto expected = torch::nn::functional::cross_entropy(output, target, options);
      CHECK(torch::equal(task.loss(output, target), expected));
      CHECK_REPORT(g2d::check::gradient([&] { return task.loss(output, target); }, {output}));
    }
  }
}

TEST_CASE("task::Classification: the confidence is the probability of the true class", "[task][confidence]") {
  const auto logits = torch::log(torch::tensor({{0.2, 0.8}, {0.9, 0.1}}, torch::kDouble));
  const auto confidence = task::Classification().confidence(logits, torch::tensor({1, 1}));
  CHECK_REPORT(compare(confidence, torch::tensor({0.8, 0.1}, torch::kDouble), "confidence", rounding));
}

TEST_CASE("task::MultiLabel: the confidence is the mean probability of the true bits", "[task][confidence]") {
  const auto probability = torch::tensor({{0.2, 0.9}}, torch::kDouble);
  const auto confidence =
      task::MultiLabel().confidence(torch::logit(probability), torch::tensor({{0.0, 1.0}}, torch::kDouble));
  CHECK(value(confidence) == Approx(0.85));
}

TEST_CASE("task::Regression: standardised targets are those that the loss sees", "[task]") {
  Random random(19);
  const auto targets = 5.0 + 3.0 * random.normal({50, 2});
  const auto task = task::Regression::standardized(targets);
  const auto seen = (targets - targets.mean(0)) / targets.std(0, false);
  const auto output = random.normal({50, 2});
  CHECK_REPORT(compare(task.loss(output, targets), torch::mse_loss(output, seen), "loss", rounding));
  CHECK_REPORT(compare(task.in_target_unit(seen), targets, "in the target's unit", 1e-10));
  CHECK(value(task.loss(torch::zeros({50, 2}, torch::kDouble), targets)) == Approx(1.0));
  const auto confidence = task.confidence(output, targets);
  CHECK_REPORT(compare(confidence, ((output - seen).square().mean(1) * -0.5).exp(), "confidence", rounding));

  const auto constant = task::Regression::standardized(torch::full({10, 1}, 4.0, torch::kDouble));
  CHECK(std::isfinite(
      value(constant.loss(torch::ones({1, 1}, torch::kDouble), torch::full({1, 1}, 4.0, torch::kDouble)))));
}

TEST_CASE("confidence: orders are ascending, equal ones as declared; ratios compare with the mean of the others",
          "[confidence]") {
  const g2d::PerModality<double> confidences{0.5, 0.2, 0.5, 0.1};
  const auto order = g2d::confidence::weak_to_strong(confidences);
  CHECK(std::vector<std::size_t>(order.begin(), order.end()) == std::vector<std::size_t>{3, 1, 0, 2});
  CHECK(thrown<g2d::ConfigError>([] { (void)g2d::confidence::weak_to_strong(g2d::PerModality<double>{0.5, std::nan("")}); }) ==
        "g2d: confidence::weak_to_strong: modality 2 of 2: expected a number, got nan");
  const auto ratios = g2d::confidence::ratios(torch::tensor({0.6, 0.3, 0.1}, torch::kDouble));
  CHECK_REPORT(compare(ratios, torch::tensor({0.6 / 0.2, 0.3 / 0.35, 0.1 / 0.45}, torch::kDouble), "ratios", rounding));
  CHECK(value(g2d::confidence::ratios(torch::tensor({0.6}))) == 1.0);
}

// --- suppression and schedules ---

TEST_CASE("suppression: coefficients lie in [0, 1], and are 1 for who is not suppressed", "[suppression]") {
  const auto suppressed = torch::tensor({true, true, false, false});
  const auto ratios = torch::tensor({2.0, 0.5, 2.0, 0.5}, torch::kDouble);
  for_each(Suppressions(), [&]<class Suppression>(std::type_identity<Suppression>) {
    INFO(c10::demangle_type<Suppression>());
    const Suppression suppression;
    const auto coefficients = suppression.coefficients(suppressed, ratios);
    CHECK(coefficients.scalar_type() == torch::kDouble);
    CHECK(coefficients[2].template item<double>() == 1.0);
    CHECK(coefficients[3].template item<double>() == 1.0);
    const bool partial = std::is_same_v<Suppression, suppression::Partial>;
    CHECK(coefficients[0].template item<double>() == Approx(partial ? 1.0 - std::tanh(2.0) : 0.0));
    CHECK(coefficients[1].template item<double>() == (partial ? 1.0 : 0.0));
  });
  CHECK(value(suppression::Partial({.strength = 0.3}).coefficients(suppressed, ratios)[0]) ==
        Approx(1.0 - std::tanh(0.6)));
}

TEST_CASE("schedule: stages follow each other and fill the run", "[schedule]") {
  for_each(Schedules(), []<class Schedule>(std::type_identity<Schedule>) {
    INFO(c10::demangle_type<Schedule>());
    for (std::size_t modalities = 1; modalities <= most_modalities; ++modalities) {
      for (const std::int64_t epochs : {1, 2, 7, 40}) {
        const auto stages = Schedule().stages({names(modalities), g2d::PerModality<double>(modalities, 0.5), epochs});
        std::int64_t next = 0;
        for (const auto& stage : stages) {
          CHECK(stage.first_epoch == next);
          CHECK(stage.num_epochs >= 0);
          CHECK(stage.suppressed.size() == modalities);
          CHECK(stage.contains(next) == (stage.num_epochs > 0));
          next += stage.num_epochs;
        }
        CHECK(next == epochs);
      }
    }
  });
}

namespace {

using Epochs = std::vector<std::int64_t>;

/// The modality that learns alone in each stage but the last, and the epochs of all.
std::pair<std::vector<std::size_t>, Epochs> plan(const schedule::SequentialOptions& options,
                                                 const g2d::PerModality<double>& confidence, std::int64_t epochs) {
  const auto stages = schedule::Sequential<>(options).stages({names(confidence.size()), confidence, epochs});
  std::vector<std::size_t> order;
  Epochs lengths;
  for (const auto& stage : stages) {
    lengths.push_back(stage.num_epochs);
    if (&stage == &stages.back()) break;
    order.push_back(static_cast<std::size_t>(std::find(stage.suppressed.begin(), stage.suppressed.end(), false) -
                                             stage.suppressed.begin()));
    CHECK(std::count(stage.suppressed.begin(), stage.suppressed.end(), false) == 1);
  }
  CHECK(std::count(stages.back().suppressed.begin(), stages.back().suppressed.end(), true) == 0);
  return {order, lengths};
}

using Order = std::vector<std::size_t>;

}  // namespace

TEST_CASE("schedule::Sequential: each modality alone from weak to strong, then all", "[schedule]") {
  const g2d::PerModality<double> confidence{0.9, 0.2, 0.5};
  CHECK(plan({}, confidence, 8) == std::pair(Order{1, 2, 0}, Epochs{2, 2, 2, 2}));
  CHECK(plan({.order = schedule::Order::StrongFirst}, confidence, 8).first == Order{0, 2, 1});
  CHECK(plan({.order = schedule::Order::Declared}, confidence, 8).first == Order{0, 1, 2});
  CHECK(plan({}, {0.5, 0.5, 0.5}, 8).first == Order{0, 1, 2});
  CHECK(plan({.stage_epochs = {1, 0, 3, 4}}, confidence, 8).second == Epochs{1, 0, 3, 4});
  CHECK(plan({}, confidence, 10).second == Epochs{3, 2, 3, 2});
  CHECK(plan({.stage_fractions = {1, 0, 1, 2}}, confidence, 40).second == Epochs{10, 0, 10, 20});
  const auto stages = schedule::Sequential<>().stages({names(2), {0.9, 0.2}, 3});
  CHECK(stages[0].name == "image alone");
  CHECK(stages[1].name == "audio alone");
  CHECK(stages[2].name == "all");
}

TEST_CASE("schedule::Sequential: a random order is a permutation that its seed fixes", "[schedule]") {
  const auto draw = [](std::uint64_t seed) {
    return plan({.order = schedule::Order::Random, .seed = seed}, {0.1, 0.2, 0.3, 0.4, 0.5}, 12).first;
  };
  std::vector<Order> orders;
  for (std::uint64_t seed = 0; seed < 8; ++seed) {
    auto order = draw(seed);
    CHECK(order == draw(seed));
    orders.push_back(order);
    std::sort(order.begin(), order.end());
    CHECK(order == Order{0, 1, 2, 3, 4});
  }
  CHECK(std::count(orders.begin(), orders.end(), orders[0]) < 4);
}

TEST_CASE("schedule::Batchwise: compares batches inside its window only", "[schedule]") {
  const auto compares = [](const schedule::BatchwiseOptions& options, std::int64_t epoch) {
    for (const auto& stage : schedule::Batchwise<>(options).stages({names(2), {}, 10})) {
      if (stage.contains(epoch)) return stage.compares_batches;
    }
    throw std::logic_error("no stage");
  };
  CHECK(compares({}, 0));
  CHECK(compares({}, 9));
  CHECK_FALSE(compares({.first_epoch = 2, .last_epoch = 4}, 1));
  CHECK(compares({.first_epoch = 2, .last_epoch = 4}, 2));
  CHECK(compares({.first_epoch = 2, .last_epoch = 4}, 4));
  CHECK_FALSE(compares({.first_epoch = 2, .last_epoch = 4}, 5));
  CHECK_FALSE(compares({.first_epoch = 20, .last_epoch = 40}, 9));
}

// --- the public helpers that check a user's policy ---

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
