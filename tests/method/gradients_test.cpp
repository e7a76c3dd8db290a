// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// AGM, MMPareto, PMR, MSLR and MSES over several steps and epochs, against golden numbers that make_golden_gradients.py computed
// in NumPy with gradients written out by hand.

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <cstdint>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/fusion/any.hpp>
#include <g2d/method/agm.hpp>
#include <g2d/method/any.hpp>
#include <g2d/method/mm_pareto.hpp>
#include <g2d/method/mses.hpp>
#include <g2d/method/mslr.hpp>
#include <g2d/method/pmr.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>

#include "support/random_case.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::task::Classification;
using nlohmann::json;
namespace method = g2d::method;

constexpr std::int64_t num_outputs = 4;
const std::vector<std::int64_t> input_widths{5, 2, 3, 4};
const g2d::optimizer::Sgd golden_sgd{.learning_rate = 0.2, .momentum = 0.0, .weight_decay = 0.0};

const json& golden() {
  static const json all = json::parse(std::ifstream(test_directory() / "method" / "golden" / "gradients.json"));
  return all;
}

at::Tensor tensor_of(const json& values) {
  if (values.is_boolean()) return at::scalar_tensor(values.get<bool>(), at::kBool);
  if (!values.is_array()) return at::scalar_tensor(values.get<double>(), at::kDouble);
  std::vector<at::Tensor> parts;
  for (const auto& value : values) parts.push_back(tensor_of(value));
  return at::stack(parts);
}

g2d::PerModality<at::Tensor> tensors_of(const json& values) {
  g2d::PerModality<at::Tensor> tensors;
  for (const auto& value : values) tensors.push_back(tensor_of(value));
  return tensors;
}

bool close(const at::Tensor& given, const json& expected) {
  return given.sizes() == tensor_of(expected).sizes() && at::allclose(given, tensor_of(expected), 1e-9, 1e-11);
}

g2d::Batch batch_of(const json& inputs, const json& labels) {
  g2d::Batch batch;
  for (const auto& values : inputs) batch.inputs.emplace_back(tensor_of(values));
  batch.target = tensor_of(labels).to(at::kLong);
  return batch;
}

/// In double precision, with the weights that a golden case begins with.
std::shared_ptr<g2d::AnyStudent> golden_student(const json& expected, std::string_view fusion, std::string_view readout) {
  const auto modalities = static_cast<std::ptrdiff_t>(expected["modalities"].get<int>());
  const std::vector<std::int64_t> widths{3, 2, 4, 3};
  auto student = make_student(tanh_encoders({input_widths.begin(), input_widths.begin() + modalities},
                                            {widths.begin(), widths.begin() + modalities}),
                              num_outputs, fusion, readout);
  student->to(torch::kDouble);
  const auto parameters = student->parameters();
  REQUIRE(parameters.size() == expected["initial"].size());
  const at::NoGradGuard no_grad;
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].copy_(tensor_of(expected["initial"][i]));
  return student;
}

void check_final(const g2d::AnyStudent& student, const json& expected) {
  const auto parameters = student.named_parameters();
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i].key());
    CHECK(close(parameters[i].value().detach(), expected["final"][i]));
  }
}

using AgmMethod = method::Stack<method::Supervised<Classification>, method::Agm<Classification>>;
using AgmStep = g2d::Step<g2d::AnyStudent, AgmMethod>;

AgmMethod agm(method::AgmOptions options) {
  return AgmMethod(method::Supervised<Classification>(), method::Agm<Classification>(options));
}

std::shared_ptr<g2d::AnyStudent> double_student(std::string_view fusion, std::size_t modalities = 2) {
  torch::manual_seed(3);
  auto student = make_student(tanh_encoders(std::vector<std::int64_t>(modalities, 5), std::vector<std::int64_t>(modalities, 3)),
                              num_outputs, fusion);
  student->to(torch::kDouble);
  return student;
}

g2d::Batch random_batch(std::uint64_t number, std::size_t modalities = 2) {
  return Random(number).batch(g2d::OutputKind::Classes, 6, std::vector<std::int64_t>(modalities, 5), num_outputs);
}

/// A run that shows what it is given.
struct ShownRun final : method::Run {
  std::int64_t next = 0;
  std::optional<method::ValidationResult> last;
  method::FeatureTable table;
  const method::StudentView* view = nullptr;

  [[nodiscard]] std::int64_t epoch() const override { return next; }
  [[nodiscard]] std::int64_t num_epochs() const override { return 100; }
  [[nodiscard]] const method::StudentView& student() const override { return *view; }
  [[nodiscard]] const method::ValidationResult* validation() const override { return last ? &*last : nullptr; }
  [[nodiscard]] std::int64_t size(method::Split) const override { return table.target.defined() ? table.target.size(0) : 0; }
  [[nodiscard]] method::FeatureTable features(method::Split, std::int64_t) override { return table; }
  [[nodiscard]] g2d::Batch batch(method::Split, std::int64_t) override { return {}; }
  [[nodiscard]] method::TrialResult trial(std::int64_t) override { return {}; }
};

g2d::PerModality<double> numbers(const json& values) {
  const auto all = values.get<std::vector<double>>();
  return {all.begin(), all.end()};
}

}  // namespace

// --- AGM ---

TEST_CASE("method::Agm: three steps equal NumPy's, coefficients and history too", "[method][golden]") {
  for (const auto& expected : golden()["agm"]) {
    const auto student = golden_student(expected, "late", "auto");
    AgmStep step(*student, agm({.strength = expected["alpha"].get<double>(), .cap = expected["cap"].get<double>()}),
                 {.optimizer = golden_sgd});
    for (std::size_t t = 0; t < expected["inputs"].size(); ++t) {
      step(batch_of(expected["inputs"][t], expected["labels"][t]));
      CHECK(close(step.method().get<1>().coefficients(), expected["coefficients"][t]));
      CHECK(close(step.method().get<1>().history(), expected["history"][t]));
    }
    check_final(*student, expected);
  }
}

TEST_CASE("method::Agm: responses of any set function add up to its value for all", "[method]") {
  for (const std::size_t modalities : {2U, 3U, 4U}) {
    std::vector<at::Tensor> outputs(std::size_t{1} << modalities);
    Random random(modalities);
    for (std::size_t set = 1; set < outputs.size(); ++set) outputs[set] = random.normal({3, 2});
    auto sum = at::zeros({3, 2}, at::kDouble);
    for (const auto& response : method::agm_responses(outputs)) sum = sum + response;
    CHECK(at::allclose(sum, outputs.back()));
  }
}

TEST_CASE("method::Agm: the output is the fusion's, and with coefficients of 1 the step is joint training's", "[method]") {
  for (const auto fusion : g2d::fusion::choices) {
    for (const auto mask : {method::AgmMask::ZeroFeatures, method::AgmMask::ZeroInputs}) {
      for (const std::size_t modalities : {2U, 3U}) {
        INFO(fmt::format("{} {} {}", fusion, mask == method::AgmMask::ZeroInputs, modalities));
        const auto plain = double_student(fusion, modalities);
        const auto modulated = double_student(fusion, modalities);
        AnyStep plain_step(*plain, method::Supervised<Classification>(), {.optimizer = golden_sgd});
        AnyStep step(*modulated, agm({.strength = 0.0, .mask = mask}), {.optimizer = golden_sgd});
        const auto batch = random_batch(1, modalities);
        CHECK(step(batch).fused.equal(plain_step(batch).fused));
        for (std::size_t i = 0; i < plain->parameters().size(); ++i) {
          CHECK(at::allclose(modulated->parameters()[i], plain->parameters()[i], 1e-8, 1e-10));
        }
      }
    }
  }
}

TEST_CASE("method::Agm: a coefficient of 0 stops an additive modality, and zero inputs let its biases learn", "[method]") {
  for (const auto mask : {method::AgmMask::ZeroFeatures, method::AgmMask::ZeroInputs}) {
    const auto student = double_student("sum");
    AgmStep step(*student, agm({.strength = 1e9, .cap = 0.0, .mask = mask}), {.optimizer = golden_sgd});
    const auto before = snapshot(*student);
    step(random_batch(2));
    const auto coefficients = step.method().get<1>().coefficients();
    REQUIRE(coefficients.sum().item<double>() == 1.0);
    const auto ahead = names(2)[static_cast<std::size_t>(coefficients.argmin().item<std::int64_t>())];
    std::size_t moved_weights = 0, moved_biases = 0;
    for (const auto& name : changed(before, *student)) {
      if (name.find("encoders." + ahead) == std::string::npos) continue;
      ++(name.find("weight") != std::string::npos ? moved_weights : moved_biases);
    }
    CHECK(moved_weights == 0);
    CHECK(moved_biases == (mask == method::AgmMask::ZeroInputs ? 1 : 0));
  }
}

TEST_CASE("method::Agm: official masked passes leave norm statistics, dropout and frozen encoders alone", "[method]") {
  struct FreezesSecond {
    bool* freezes;
    void control_batch(const method::StepContext& /*context*/, method::Controls& controls) {
      if (*freezes) controls[1].frozen = true;
    }
  };
  const auto plain = norm_dropout_student(4);
  const auto student = norm_dropout_student(4);
  plain->train();
  student->train();
  bool freezes = false;
  AnyStep plain_step(*plain, method::Supervised<Classification>(), {.optimizer = golden_sgd});
  AnyStep step(*student, method::Stack(method::Supervised<Classification>(), method::Agm<Classification>(method::official_agm()), FreezesSecond{&freezes}),
               {.optimizer = golden_sgd});
  const auto batch = blobs(12, 1).batch(torch::arange(12));
  torch::manual_seed(5);
  const auto expected = plain_step(batch).fused;
  torch::manual_seed(5);
  CHECK(step(batch).fused.equal(expected));
  for (std::size_t m = 0; m < 2; ++m) {
    const auto buffers = norm_dropout(*student, m).buffers();
    for (std::size_t i = 0; i < buffers.size(); ++i) CHECK(buffers[i].equal(norm_dropout(*plain, m).buffers()[i]));
    CHECK(norm_dropout(*student, m).dropout->is_training());
  }
  CHECK(step.work().forwards == g2d::PerModality<std::int64_t>{36, 36});

  freezes = true;
  const auto before = snapshot(*student);
  step(batch);
  for (const auto& name : changed(before, *student)) {
    if (name.find("encoders." + names(2)[1]) != std::string::npos) CHECK_THAT(name, Contains("norm."));
    CHECK(name.find("encoders." + names(2)[1] + ".norm.weight") == std::string::npos);
  }
}

TEST_CASE("method::Agm: a batch that is not finite does not enter the history", "[method]") {
  const auto run = [](bool with_bad) {
    const auto student = double_student("gated");
    AgmStep step(*student, agm({}), {.optimizer = golden_sgd});
    step(random_batch(1));
    if (with_bad) {
      auto bad = random_batch(2);
      bad.inputs[0].values[1][0] = std::nan("");
      CHECK(step(bad).is_skipped.item<bool>());
    }
    step(random_batch(3));
    return bytes(step.method().get<1>().coefficients()) + bytes(step.method().get<1>().history());
  };
  CHECK(run(true) == run(false));
}

TEST_CASE("method::Agm: samples that lack a modality do not count in its score, whatever stands in their place", "[method]") {
  for (const auto mask : {method::AgmMask::ZeroFeatures, method::AgmMask::ZeroInputs}) {
    const auto student = double_student("late");
    const auto other = double_student("late");
    AgmStep step(*student, agm({.mask = mask}), {.optimizer = golden_sgd});
    auto batch = random_batch(4);
    batch.present = torch::ones({6, 2}, torch::kBool);
    batch.present[2][0] = false;
    batch.inputs[0].values[2].fill_(std::nan(""));
    const auto features = other->encode(batch.inputs, batch.present);
    const bool encodes = mask == method::AgmMask::ZeroInputs;
    const auto hidden = [&](std::size_t m) {
      return encodes ? other->encode(m, {torch::zeros({6, 5}, torch::kDouble)}) : torch::zeros_like(features[m]);
    };
    const std::vector<at::Tensor> outputs{{},
                                          other->fuse(std::vector<at::Tensor>{features[0], hidden(1)}).logits,
                                          other->fuse(std::vector<at::Tensor>{hidden(0), features[1]}).logits,
                                          other->fuse(features).logits};
    const auto log_probability = torch::log_softmax(method::agm_responses(outputs)[0], 1).gather(1, batch.target.unsqueeze(1)).squeeze(1);
    const auto rows = torch::tensor({0, 1, 3, 4, 5});
    CHECK_FALSE(step(batch).is_skipped.item<bool>());
    for (const auto& parameter : student->parameters()) CHECK(parameter.isfinite().all().item<bool>());
    CHECK(step.method().get<1>().history()[0].item<double>() == Approx(-log_probability.index_select(0, rows).mean().item<double>()));
  }
}

TEST_CASE("method::Agm: a modality that a whole batch lacks neither damps the other nor enters its own history", "[method]") {
  const auto student = double_student("late");
  AgmStep step(*student, agm({}), {.optimizer = golden_sgd});
  auto batch = random_batch(4);
  batch.present = torch::ones({6, 2}, torch::kBool);
  batch.present.select(1, 0).fill_(false);
  step(batch);
  const auto& method = step.method().get<1>();
  CHECK(torch::equal(method.coefficients(), torch::ones({2}, torch::kDouble)));  // Nobody is ahead, now or before.
  CHECK(method.history()[0].item<double>() == 0.0);
  CHECK(method.history()[1].item<double>() > 0.0);
  step(batch);
  CHECK(torch::equal(method.coefficients(), torch::ones({2}, torch::kDouble)));
  const auto before = method.history()[0].item<double>();
  step(random_batch(5));
  CHECK(method.history()[0].item<double>() != before);
}

TEST_CASE("method::Agm: officially all gradients are clipped when one of a head's weights is beyond the bound", "[method]") {
  const auto clipped = [](double head_entry, double bound) {
    const auto make = [](double value, at::IntArrayRef sizes) {
      auto parameter = torch::zeros(sizes, torch::kDouble).requires_grad_();
      parameter.mutable_grad() = torch::full(sizes, value, torch::kDouble);
      return parameter;
    };
    using Role = g2d::ParameterGroup::Role;
    const std::vector<g2d::ParameterGroup> groups{{"encoder", Role::Encoder, {0}, {make(3.0, {2, 2})}},
                                                  {"head", Role::Head, {0}, {make(head_entry, {1, 2}), make(7.0, {1})}}};
    const auto all = names(2);
    method::GradientView view(groups, all);
    method::Agm<Classification> agm(method::official_agm(1.0, bound));
    const g2d::Batch batch;
    const at::NoGradGuard no_grad;
    agm.gradients({0, 0, batch}, {}, view);
    return std::vector<double>{groups[0].parameters[0].grad()[0][0].item<double>(), groups[1].parameters[0].grad()[0][0].item<double>(),
                               groups[1].parameters[1].grad()[0].item<double>()};
  };
  CHECK(clipped(0.9, 1.0) == std::vector<double>{3.0, 0.9, 7.0});
  const auto small = clipped(-2.0, 1.0);
  const double norm = std::sqrt(4 * 9.0 + 2 * 4.0 + 49.0);
  CHECK(small[0] == Approx(3.0 / norm));
  CHECK(small[1] == Approx(-2.0 / norm));
  CHECK(small[2] == Approx(7.0 / norm));
  CHECK(clipped(-2.0, 5.0) == std::vector<double>{3.0, -2.0, 7.0});
}

TEST_CASE("method::Agm: options out of range are refused, and a single modality", "[method]") {
  CHECK_THAT(thrown<g2d::ConfigError>([] { agm({.strength = -1.0}); }), Contains("method::Agm: expected strength >= 0, got -1"));
  CHECK_THAT(thrown<g2d::ConfigError>([] { agm({.cap = -1.0}); }), Contains("expected cap >= 0"));
  CHECK_THAT(thrown<g2d::ConfigError>([] { agm({.clip_bound = 0.0}); }), Contains("expected clip_bound > 0"));
  const auto student = double_student("late", 1);
  CHECK(thrown<g2d::ConfigError>([&] { AgmStep(*student, agm({})); }) ==
        "g2d: method::Agm: expected at least 2 modalities, got only \"audio\"; there is nothing to balance, train with "
        "method::JointTraining");
}

// --- MMPareto ---

TEST_CASE("method::MmPareto: a step equals NumPy's, where losses agree and where they do not", "[method][golden]") {
  for (const auto& expected : golden()["mm_pareto"]) {
    const auto student = golden_student(expected, "concat", "own-heads");
    AnyStep step(*student, method::MmPareto<Classification>({.gain = expected["gamma"].get<double>()}), {.optimizer = golden_sgd});
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

TEST_CASE("method::MmPareto: encoders that two modalities share are refused, and a gain that is not positive", "[method]") {
  CHECK_THAT(thrown<g2d::ConfigError>([] { method::MmPareto<Classification>({.gain = 0.0}); }), Contains("expected gain > 0, got 0"));
  const auto shared = linear_tanh(5, 3);
  const auto student = make_student({shared, shared}, num_outputs);
  const std::string ending = ": expected an encoder for each modality, got one that \"audio\" and \"image\" share; give each its own";
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*student, method::MmPareto<Classification>()); }) == "g2d: method::MmPareto" + ending);
  const auto stacked = [&](auto policy) { AnyStep(*student, method::Stack(method::Supervised<Classification>(), std::move(policy))); };
  CHECK(thrown<g2d::ConfigError>([&] { stacked(method::Mses()); }) == "g2d: method::Mses" + ending);
  CHECK(thrown<g2d::ConfigError>([&] { stacked(method::Mslr<Classification>()); }) == "g2d: method::Mslr" + ending);
}

// --- PMR ---

TEST_CASE("method::Pmr: prototypes of four epochs, terms and gradients equal NumPy's", "[method][golden]") {
  for (const auto kind : {method::PmrWeights::Soft, method::PmrWeights::Hard}) {
    const auto& expected = golden()["pmr"][kind == method::PmrWeights::Soft ? "soft" : "hard"];
    const double alpha = expected["alpha"].get<double>();
    method::Pmr<Classification> pmr({.weight = alpha, .momentum = expected["momentum"].get<double>(), .weights = kind});
    pmr.begin({names(3), {3, 2, 4}, num_outputs, 10});
    ShownRun run;
    for (const auto& table : expected["tables"]) {
      run.table = {tensors_of(table["features"]), tensor_of(table["labels"]).to(at::kLong), {}, tensor_of(table["present"])};
      pmr.prepare(run);
      ++run.next;
    }
    for (std::size_t m = 0; m < 3; ++m) {
      CHECK(close(pmr.prototypes(m).means, expected["prototypes"][m]));
      CHECK(pmr.prototypes(m).is_known.equal(tensor_of(expected["known"][m])));
    }
    g2d::Batch batch;
    batch.target = tensor_of(expected["labels"]).to(at::kLong);
    batch.present = tensor_of(expected["present"]);
    method::Outputs outputs;
    outputs.encoded = tensors_of(expected["features"]);
    for (auto& features : outputs.encoded) features.requires_grad_();
    method::Terms terms;
    pmr.loss({4, 0, batch}, outputs, terms);
    REQUIRE(terms.size() == 3);
    for (std::size_t m = 0; m < 3; ++m) {
      CHECK(terms[m].modality == m);
      CHECK(terms[m].weight == alpha);
      CHECK(terms[m].value.item<double>() == Approx(expected["terms"][m].get<double>()));
    }
    method::total(terms).backward();
    for (std::size_t m = 0; m < 3; ++m) CHECK(close(outputs.encoded[m].grad(), expected["gradients"][m]));
  }
}

TEST_CASE("method::Pmr: features on a prototype, and classes without one, have finite gradients", "[method]") {
  method::Pmr<Classification> pmr({.weights = method::PmrWeights::Hard});
  pmr.begin({names(2), {2, 2}, num_outputs, 10});
  const auto on_it = torch::tensor({{1.0, 2.0}, {-1.0, 0.5}}, torch::kDouble);
  ShownRun run;
  run.table = {{on_it, on_it}, torch::tensor({0, 1}), {}, torch::tensor({{true, false}, {true, false}})};
  pmr.prepare(run);
  CHECK_FALSE(pmr.prototypes(1).is_known.any().item<bool>());
  g2d::Batch batch;
  batch.target = torch::tensor({0, 3});
  method::Outputs outputs;
  outputs.encoded = {on_it.clone().requires_grad_(), on_it.clone().requires_grad_()};
  method::Terms terms;
  pmr.loss({0, 0, batch}, outputs, terms);
  method::total(terms).backward();
  for (const auto& features : outputs.encoded) CHECK(features.grad().isfinite().all().item<bool>());
  CHECK(terms[1].value.item<double>() == 0.0);
}

TEST_CASE("method::Pmr: a sample that is not finite costs its step, and no prototype", "[method]") {
  torch::manual_seed(6);
  const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
  const auto samples = blobs(24, 1);
  const LazyDataset train{samples, poison(0, 5)};
  auto trainer = make_trainer(*student, method::Stack(method::Supervised<Classification>(), method::Pmr<Classification>({.share = 1.0})),
                              {.num_epochs = 3, .batch_size = 6});
  const auto history = trainer.fit(train, blobs(12, 2));
  for (const auto& epoch : history.epochs) CHECK(epoch.num_skipped == 1);
}

TEST_CASE("method::Pmr: the official options and those out of range", "[method]") {
  CHECK(method::official_pmr().momentum == 0.0);
  CHECK(method::official_pmr().weights == method::PmrWeights::Hard);
  const auto refused = [](method::PmrOptions options) { return thrown<g2d::ConfigError>([&] { method::Pmr<Classification>{options}; }); };
  CHECK_THAT(refused({.weight = -0.5}), Contains("g2d: method::Pmr: expected weight >= 0, got -0.5"));
  CHECK_THAT(refused({.momentum = 1.0}), Contains("expected momentum in [0, 1), got 1"));
  CHECK_THAT(refused({.share = 0.0}), Contains("expected share in (0, 1], got 0"));
}

// --- MSLR ---

TEST_CASE("method::Mslr: fourteen epochs' factors equal NumPy's, relative and cumulative", "[method][golden]") {
  for (const auto mode : {method::MslrMode::Relative, method::MslrMode::Cumulative}) {
    const auto& expected = golden()["mslr"][mode == method::MslrMode::Relative ? "relative" : "cumulative"];
    method::Mslr<Classification> mslr(
        {.initial = numbers(expected["initial"]), .history = expected["history"].get<std::int64_t>(), .mode = mode});
    mslr.begin({names(2), {3, 3}, num_outputs, 20});
    ShownRun run;
    mslr.prepare(run);
    for (std::size_t epoch = 0; epoch < expected["accuracies"].size(); ++epoch) {
      run.last = method::ValidationResult{{0.0, {0.0, 0.0}}, numbers(expected["accuracies"][epoch])};
      ++run.next;
      mslr.prepare(run);
      method::Plan plan{.controls = method::Controls(2)};
      mslr.plan(run.next, plan);
      for (std::size_t m = 0; m < 2; ++m) {
        CHECK(plan.controls[m].learning_rate_factor == Approx(expected["factors"][epoch][m].get<double>()));
      }
    }
  }
}

TEST_CASE("method::Mslr: an accuracy of 0 does not end learning", "[method]") {
  method::Mslr<Classification> mslr({.history = 2, .mode = method::MslrMode::Cumulative});
  mslr.begin({names(2), {3, 3}, num_outputs, 20});
  ShownRun run;
  for (const double accuracy : {0.5, 0.0}) {
    run.last = method::ValidationResult{{0.0, {0.0, 0.0}}, {accuracy, 0.4}};
    ++run.next;
    mslr.prepare(run);
  }
  CHECK(mslr.factors()[0] == 1.0);
}

// --- MSES ---

namespace {

/// One step for each epoch, and validation losses that are made up.
struct Stopping {
  std::shared_ptr<g2d::AnyStudent> student;
  AnyStep step;
  ShownRun run;
  std::uint64_t number = 10;

  Stopping(method::MsesOptions options, std::size_t modalities, std::string_view fusion = "late")
      : student(double_student(fusion, modalities)),
        step(*student, method::Stack(method::Supervised<Classification>(), method::Mses(options)),
             {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.5}, .num_epochs = 50}) {
    step.prepare(run);
  }

  /// Trains an epoch, judges it and plans the next one; gives back what the epoch ended with.
  Snapshot epoch(g2d::PerModality<double> losses) {
    step(random_batch(number++, student->num_modalities()));
    auto end = snapshot(*student);
    run.last = method::ValidationResult{{0.0, losses}, g2d::PerModality<double>(losses.size(), 0.0)};
    ++run.next;
    step.prepare(run);
    step.begin_epoch(run.next);
    return end;
  }
};

}  // namespace

TEST_CASE("method::Mses: who stops after which epoch, and with which weights, equals NumPy's", "[method][golden]") {
  const auto& expected = golden()["mses"];
  Stopping training({.patience = expected["patience"].get<std::int64_t>()}, 3);
  std::vector<Snapshot> ends;
  const auto& after = expected["after"];
  for (std::size_t epoch = 0; epoch < after.size(); ++epoch) {
    ends.push_back(training.epoch(numbers(expected["losses"][epoch])));
    const auto now = snapshot(*training.student);
    const auto& plan = training.step.plan();
    for (std::size_t m = 0; m < 3; ++m) {
      const bool has_stopped = after[epoch]["stopped"][m].get<bool>();
      CHECK(plan.controls[m].frozen == has_stopped);
      CHECK(plan.controls[m].head_frozen == has_stopped);
      if (!has_stopped) continue;
      for (const auto& [name, value] : now) {
        if (name.find(names(3)[m]) != std::string::npos) CHECK(value == ends[after[epoch]["best"][m].get<std::size_t>()].at(name));
      }
    }
    CHECK(plan.ends_run == (epoch + 1 == after.size()));
    CHECK_FALSE(plan.resets_optimizer);
  }
}

TEST_CASE("method::Mses: officially the whole student goes back, to weights of before anything went back", "[method]") {
  Stopping training(method::official_mses(0), 2, "concat");
  const auto first = training.epoch({1.0, 1.0});
  const auto second = training.epoch({2.0, 0.5});
  CHECK(snapshot(*training.student) == first);
  CHECK(training.step.plan().controls[0].frozen);
  CHECK_FALSE(training.step.plan().controls[1].frozen);
  CHECK(training.step.plan().resets_optimizer);
  CHECK_FALSE(training.step.plan().ends_run);
  training.epoch({0.0, 5.0});
  CHECK(snapshot(*training.student) == second);
  CHECK(training.step.plan().ends_run);
}

TEST_CASE("method::Mses: a first loss that is not a number is improved upon", "[method]") {
  Stopping training({.patience = 3}, 2);
  training.epoch({std::nan(""), 1.0});
  training.epoch({1.0, 0.9});
  training.epoch({0.9, 0.8});
  training.epoch({0.8, 0.7});
  training.epoch({0.7, 0.6});
  training.epoch({0.6, 0.5});
  CHECK_FALSE(training.step.plan().controls[0].frozen);
}

TEST_CASE("method::Mses: options out of range are refused", "[method]") {
  CHECK_THAT(thrown<g2d::ConfigError>([] { method::Mses({.patience = -1}); }), Contains("method::Mses: expected patience >= 0, got -1"));
  CHECK_THAT(thrown<g2d::ConfigError>([] { method::Mses({.newest_share = 0.0}); }), Contains("expected newest_share in (0, 1], got 0"));
}

TEST_CASE("Trainer: a plan that ends the run is the last thing that happens", "[method]") {
  struct EndsBeforeThird : method::Supervised<Classification> {
    void plan(std::int64_t epoch, method::Plan& plan) { plan.ends_run = epoch == 2; }
  };
  torch::manual_seed(7);
  const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
  auto trainer = make_trainer(*student, EndsBeforeThird(), {.num_epochs = 5, .batch_size = 12});
  const auto history = trainer.fit(blobs(24, 1), blobs(12, 2));
  CHECK(history.epochs.size() == 2);
  CHECK_FALSE(history.was_interrupted);
  CHECK(trainer.step().num_steps() == 4);
}
