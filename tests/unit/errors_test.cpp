// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Bad input to policies, students and steps: the type of the error and its text.

#include "support/catch.hpp"

#include <torch/torch.h>

#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/check/gradient.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/interop/check_fusion.hpp>
#include <g2d/interop/copy_layers.hpp>
#include <g2d/interop/torch_eigen.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/ogm.hpp>
#include <g2d/method/window.hpp>
#include <g2d/reference/fusion/sum.hpp>

#include "support/policy_lists.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "support/tiny_encoders.hpp"

namespace {

using namespace g2d_test;
using g2d::ConfigError;
using g2d::DataError;
using g2d::OutputKind;
using g2d::ShapeError;
using Classification = task::Classification;

constexpr std::int64_t num_outputs = 4;
const double not_a_number = std::numeric_limits<double>::quiet_NaN();

at::Tensor ones(at::IntArrayRef sizes) { return torch::ones(sizes); }

g2d::FusionShape shape(std::vector<std::int64_t> widths) {
  const auto modality_names = names(widths.size());
  return {modality_names, std::move(widths), num_outputs};
}

std::shared_ptr<g2d::AnyStudent> student() { return make_student(tanh_encoders({5, 2}, {3, 3}), num_outputs); }

g2d::Batch batch() { return Random(1, torch::kFloat).batch(OutputKind::Classes, 6, {5, 2}, num_outputs); }

const g2d::TeacherSummary summary{{3, 3}, num_outputs, {0.8, 0.4}};

g2d::TeacherOutputs teachers() { return Random(2, torch::kFloat).teachers(6, {3, 3}, num_outputs); }

/// What constructing a Step with this method says.
std::string refused(g2d::method::Any method, std::optional<g2d::TeacherSummary> teacher_summary = summary,
                    g2d::StepOptions options = {}) {
  const auto some_student = student();
  return thrown<ConfigError>([&] { AnyStep(*some_student, std::move(method), options, std::move(teacher_summary)); });
}

using G2dMethod = method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Joint>;

bool starts_with(const std::string& text, const std::string& start) { return text.rfind(start, 0) == 0; }

}  // namespace

// --- core ---

TEST_CASE("core: names are refused that are missing, double, empty or no key", "[errors]") {
  using Strings = std::vector<std::string>;
  CHECK(thrown<ConfigError>([] { g2d::ModalityNames(Strings{}); }) ==
        "g2d: ModalityNames: expected at least one modality, got none");
  CHECK(thrown<ConfigError>([] { g2d::ModalityNames({"a", "a"}); }) ==
        "g2d: ModalityNames: expected distinct names, got \"a\" twice");
  const std::string expected =
      "expected a name in UTF-8 of 1 to 100 bytes without control characters, . / \\ , \" and blanks at its ends "
      "(names "
      "become keys, columns and files), got ";
  CHECK(thrown<ConfigError>([] { g2d::ModalityNames({"a", ""}); }) ==
        "g2d: ModalityNames: modality 1: " + expected + "\"\"");
  CHECK(thrown<ConfigError>([] { g2d::ModalityNames({"a.b", "c"}); }) ==
        "g2d: ModalityNames: modality 0: " + expected + "\"a.b\"");
  CHECK(thrown<ConfigError>([] { g2d::ModalityNames({"a\nb"}); }) ==
        "g2d: ModalityNames: modality 0: " + expected + "\"a\\nb\"");
  for (const std::string name : {"..", "a/b", "a\\b", "a,b", "a\"b", " a", "a ", "\x01", "\x7F", "caf\xE9"}) {
    INFO(name);
    CHECK_THROWS_AS(g2d::ModalityNames({name}), ConfigError);
  }
  CHECK_THROWS_AS(g2d::ModalityNames({std::string(101, 'a')}), ConfigError);
  CHECK(g2d::ModalityNames({std::string(100, 'a'), "left front", "caf\xC3\xA9", "x-1_(2);'%{}"}).size() == 4);
  CHECK(thrown<ConfigError>([] { (void)names(2).index_of("smell"); }) ==
        "g2d: modalities: expected one of [audio, image], got \"smell\"");
}

TEST_CASE("core: shapes of fusions are refused that cannot be", "[errors]") {
  CHECK(thrown<ConfigError>([] { g2d::FusionShape(names(2), {3}, 4); }) ==
        "g2d: FusionShape: expected 2 feature widths (audio, image), got 1");
  CHECK(thrown<ConfigError>([] { shape({3, 0}); }) ==
        "g2d: FusionShape: modality \"image\": expected a feature width >= 1, got 0");
  CHECK(thrown<ConfigError>([] { g2d::FusionShape(names(1), {3}, 0); }) ==
        "g2d: FusionShape: expected num_outputs >= 1, got 0");
}

// --- policies ---

TEST_CASE("fusion: features of another width or number name the modality", "[errors][fusion]") {
  for_each(Fusions(), []<class Fusion>(std::type_identity<Fusion>) {
    const Fusion fusion(shape({3, 3}));
    const auto name = c10::demangle_type<Fusion>();
    const std::string where = "g2d: fusion::" + std::string(name).substr(std::string(name).rfind(':') + 1);
    const auto forward = [&](const g2d::PerModality<at::Tensor>& features) {
      return thrown<ShapeError>([&] { (void)fusion.forward(features); });
    };
    CHECK(forward({ones({6, 3}), ones({6, 2})}) ==
          where + ": modality \"image\": expected features [6, 3], got [6, 2]");
    CHECK(forward({ones({6, 3}), ones({5, 3})}) ==
          where + ": modality \"image\": expected features [6, 3], got [5, 3]");
    CHECK(forward({ones({6}), ones({6, 3})}) == where + ": modality \"audio\": expected features [B, 3], got [6]");
    CHECK(forward({at::Tensor(), ones({6, 3})}) ==
          where + ": modality \"audio\": expected features [B, 3], got no tensor");
    CHECK(forward({ones({6, 3})}) == where + ": expected features of 2 modalities (audio, image), got 1");
  });
  CHECK(thrown<ShapeError>([] {
          (void)readout::OwnHeads(shape({3, 3}))
              .unimodal_logits(fusion::Sum(shape({3, 3})), std::array{ones({6, 3}), ones({6, 2})});
        }) == "g2d: readout::OwnHeads: modality \"image\": expected features [6, 3], got [6, 2]");
}

TEST_CASE("fusion::Film and Gated: what cannot condition or be conditioned is refused", "[errors][fusion]") {
  CHECK(thrown<ConfigError>([] { fusion::Film(shape({3})); }) ==
        "g2d: fusion::Film: expected at least 2 modalities, for one conditions the others, got 1 (audio)");
  CHECK(thrown<ConfigError>([] { fusion::Gated(shape({3})); }) ==
        "g2d: fusion::Gated: expected at least 2 modalities, for one conditions the others, got 1 (audio)");
  CHECK(thrown<ConfigError>([] { fusion::Gated(shape({3, 3}), {.conditioning = "smell"}); }) ==
        "g2d: modalities: expected one of [audio, image], got \"smell\"");
  CHECK(thrown<ConfigError>([] { fusion::Film(shape({2, 3, 4})); }) ==
        "g2d: fusion::Film: modality \"text\": expected the feature width 3 of \"image\", got 4; give the encoders one "
        "width");
  CHECK(thrown<ConfigError>(
            [] { (void)fusion::Film(shape({2, 3})).authors_logits(std::array{ones({6, 2}), ones({6, 3})}); }) ==
        "g2d: fusion::Film: the authors' readout: modality \"image\": expected the feature width 2 of \"audio\", got "
        "3; give "
        "the encoders one width");
}

TEST_CASE("fusion: shapes and settings that the fusions of methods cannot have are refused", "[errors][fusion]") {
  CHECK(
      thrown<ConfigError>([] { fusion::SharedHead(shape({3, 3, 4})); }) ==
      "g2d: fusion::SharedHead: modality \"text\": expected the feature width 3 of \"audio\", got 4; give the encoders "
      "one width");
  CHECK(thrown<ConfigError>([] { fusion::Boosted(shape({3, 4})); }) ==
        "g2d: fusion::Boosted: modality \"image\": expected the feature width 3 of \"audio\", got 4; give the encoders "
        "one "
        "width");
  const g2d::FusionShape one_output(names(2), {3, 3}, 1);
  CHECK(thrown<ConfigError>([&] { fusion::SharedHead{one_output}; }) ==
        "g2d: fusion::SharedHead: expected num_outputs >= 2 to weigh by entropy, got 1; for values choose "
        "Weighting::Mean");
  CHECK(thrown<ConfigError>([&] { fusion::EnergyWeighted{one_output}; }) ==
        "g2d: fusion::EnergyWeighted: expected num_outputs >= 2 to weigh by energy, got 1; for values choose "
        "fusion::Late");
  CHECK(thrown<ConfigError>([&] { fusion::Cosine(one_output, {.scale = 0.0}); }) ==
        "g2d: fusion::Cosine: expected a finite scale > 0, got 0");
  CHECK(thrown<ConfigError>([&] { fusion::Boosted(one_output, {.hidden_width = 0}); }) ==
        "g2d: fusion::Boosted: expected a hidden_width >= 1, got 0");
  CHECK(thrown<ConfigError>([&] { fusion::CrossExcitation(one_output, {.ratio = 0}); }) ==
        "g2d: fusion::CrossExcitation: expected a ratio >= 1, got 0");
  CHECK(thrown<ConfigError>([] { fusion::CrossExcitation(shape({3})); }) ==
        "g2d: fusion::CrossExcitation: expected at least 2 modalities, for they excite each other, got 1 (audio)");
}

TEST_CASE("fusion::ExcitationGate: curations that fit no gate are refused", "[errors][fusion]") {
  fusion::ExcitationGate gate(shape({3, 2}));
  CHECK(thrown<ConfigError>([&] { gate.arm({}); }) ==
        "g2d: fusion::ExcitationGate: expected curations of 2 modalities (audio, image), got 0");
  CHECK(thrown<ShapeError>([&] { gate.arm({{ones({}), ones({3})}, {}}); }) ==
        "g2d: fusion::ExcitationGate: modality \"audio\": expected is_curated bool [], got Float []");
  CHECK(thrown<ShapeError>([&] { gate.arm({{}, {torch::tensor(true), ones({3})}}); }) ==
        "g2d: fusion::ExcitationGate: modality \"image\": expected mean_gate [2], got [3]");
  CHECK(thrown<ShapeError>([&] { gate.arm({{torch::tensor(true), {}}, {}}); }) ==
        "g2d: fusion::ExcitationGate: modality \"audio\": expected mean_gate [3], got no tensor");
}

TEST_CASE("names of policies: an unknown one lists the choices", "[errors]") {
  CHECK(thrown<ConfigError>([] { (void)g2d::fusion::make("mean", shape({3, 3})); }) ==
        "g2d: fusion: expected one of [sum, concat, film, gated, late, cosine, shared-head, energy-weighted, boosted, "
        "cross-excitation], got \"mean\"");
  CHECK(thrown<ConfigError>([] { (void)g2d::distillation::make("huber"); }) ==
        "g2d: distillation: expected one of [none, mse, cosine, kl, bernoulli-kl], got \"huber\"");
  CHECK(thrown<ConfigError>([] { (void)g2d::readout::make("none", shape({3, 3})); }) ==
        "g2d: readout: expected one of [auto, exact, masked, own-heads, authors], got \"none\"");
}

TEST_CASE("readout: one that was chosen at run time is refused by the fusions that have none", "[errors][readout]") {
  const auto features = std::array{ones({6, 3}), ones({6, 3})};
  const auto film = g2d::fusion::make("film", shape({3, 3}));
  CHECK(
      thrown<ConfigError>([&] { (void)g2d::readout::make("exact", shape({3, 3})).unimodal_logits(film, features); }) ==
      "g2d: readout::ExactSplit: this fusion's output is no sum of one part for each modality; choose the readout "
      "masked or own-heads");
}

TEST_CASE("distillation: temperatures and shapes are checked", "[errors][distillation]") {
  for (const double temperature : {0.0, -1.0, not_a_number}) {
    const auto text = fmt::format("expected a temperature > 0, got {}", temperature);
    CHECK(thrown<ConfigError>([&] { distillation::Kl({temperature}); }) == "g2d: distillation::Kl: " + text);
    CHECK(thrown<ConfigError>([&] { distillation::BernoulliKl({temperature}); }) ==
          "g2d: distillation::BernoulliKl: " + text);
  }
  for_each(Distillations(), []<class Distillation>(std::type_identity<Distillation>) {
    if constexpr (!std::is_same_v<Distillation, distillation::None>) {
      const auto name = std::string(c10::demangle_type<Distillation>());
      const auto expected = "g2d: distillation::" + name.substr(name.rfind(':') + 1) +
                            ": expected the teacher's shape to equal the student's [6, 4], got [6, 3]";
      CHECK(thrown<ShapeError>([] { (void)Distillation()(ones({6, 4}), ones({6, 3})); }) == expected);
      CHECK(thrown<ShapeError>([] { (void)Distillation().per_sample(ones({6, 4}), ones({6, 3})); }) == expected);
    }
  });
}

TEST_CASE("task: settings and targets are checked", "[errors][task]") {
  CHECK(thrown<ConfigError>([] { Classification({.label_smoothing = 1.0}); }) ==
        "g2d: task::Classification: expected label_smoothing in [0, 1), got 1");
  CHECK(thrown<ConfigError>([] { Classification({.label_smoothing = -0.1}); }) ==
        "g2d: task::Classification: expected label_smoothing in [0, 1), got -0.1");
  CHECK(thrown<ConfigError>([] {
          Classification({.class_weights = ones({3})}).check(4, torch::zeros({6}, torch::kLong));
        }) == "g2d: task::Classification: expected class_weights [4], got [3]");
  CHECK(thrown<ShapeError>([] { Classification().check(4, ones({6})); }) ==
        "g2d: task::Classification: expected target int64 [B], got Float [6]");
  CHECK(thrown<ShapeError>([] { Classification().check(4, torch::zeros({6, 1}, torch::kLong)); }) ==
        "g2d: task::Classification: expected target int64 [B], got Long [6, 1]");
  CHECK(thrown<DataError>([] { Classification().check(4, torch::tensor({0, 4})); }) ==
        "g2d: task::Classification: expected labels in [0, 4), got 4");
  CHECK(thrown<DataError>([] { Classification().check(4, torch::tensor({0, -100})); }) ==
        "g2d: task::Classification: expected labels in [0, 4), got -100");
  for (const double variance : {0.0, -1.0, not_a_number}) {
    CHECK(thrown<ConfigError>([&] { task::Regression({.target_variance = variance}); }) ==
          fmt::format("g2d: task::Regression: expected target_variance > 0, got {}; are all targets equal?", variance));
  }
  CHECK(thrown<ShapeError>([] { task::Regression().check(4, ones({6, 3})); }) ==
        "g2d: task::Regression: target: expected [B, 4], got [6, 3]");
  CHECK(thrown<ShapeError>([] { task::Regression().check(4, torch::zeros({6, 4}, torch::kLong)); }) ==
        "g2d: task::Regression: expected a floating target, got Long");
  CHECK(thrown<ShapeError>([] { (void)task::Regression::standardized(ones({6})); }) ==
        "g2d: task::Regression: training targets: expected [B, D], got [6]");
  CHECK(thrown<ShapeError>([] { task::MultiLabel().check(4, ones({6})); }) ==
        "g2d: task::MultiLabel: target: expected [B, 4], got [6]");
  CHECK(thrown<ShapeError>([] { task::MultiLabel().check(4, torch::zeros({6, 4}, torch::kLong)); }) ==
        "g2d: task::MultiLabel: expected a floating target of 0 and 1, got Long");
  CHECK(thrown<DataError>([] { task::MultiLabel().check(4, 2.0 * ones({6, 4})); }) ==
        "g2d: task::MultiLabel: expected targets in [0, 1], got values outside");
  for (const double value : {not_a_number, std::numeric_limits<double>::infinity()}) {
    auto targets = ones({6, 4});
    targets[2][1] = value;
    CHECK(thrown<DataError>([&] { task::MultiLabel().check(4, targets); }) ==
          "g2d: task::MultiLabel: expected targets in [0, 1], got values outside");
    CHECK(thrown<DataError>([&] { task::Regression().check(4, targets); }) ==
          "g2d: task::Regression: expected finite targets, got NaN or infinity");
    CHECK(thrown<DataError>([&] { (void)task::Regression::standardized(targets); }) ==
          "g2d: task::Regression: expected finite training targets, got NaN or infinity");
  }
}

TEST_CASE("suppression: settings are checked", "[errors][suppression]") {
  CHECK(thrown<ConfigError>([] { suppression::Complete({suppression::NormStatistics::Tracked}); }) ==
        "g2d: suppression::Complete: expected norm statistics Frozen or Batch, got Tracked, which moves buffers; "
        "ZeroedGradients takes it");
  CHECK(thrown<ConfigError>([] { suppression::Partial({.strength = -0.5}); }) ==
        "g2d: suppression::Partial: expected strength >= 0, got -0.5");
}

TEST_CASE("schedule::Sequential: stages that do not match the run or the modalities are refused",
          "[errors][schedule]") {
  const auto refused_stages = [](schedule::SequentialOptions options,
                                 g2d::PerModality<double> confidence = {0.5, 0.6}) {
    return thrown<ConfigError>([&] { (void)schedule::Sequential<>(options).stages({names(2), confidence, 10}); });
  };
  CHECK(refused_stages({.stage_epochs = {5, 5}}) ==
        "g2d: schedule::Sequential: expected stage_epochs with 3 entries, one for each of (audio, image) alone, by "
        "default the weakest first, and one for all, got 2");
  CHECK(refused_stages({.stage_epochs = {5, 5, 5}}) ==
        "g2d: schedule::Sequential: expected stage_epochs >= 0 that add up to the run's 10 epochs, got [5, 5, 5], "
        "which give 15");
  CHECK(refused_stages({.stage_epochs = {-1, 5, 6}}) ==
        "g2d: schedule::Sequential: expected stage_epochs >= 0 that add up to the run's 10 epochs, got [-1, 5, 6], "
        "which give 10");
  CHECK(refused_stages({.stage_fractions = {1.0}}) ==
        "g2d: schedule::Sequential: expected stage_fractions with 3 entries, one for each of (audio, image) alone, by "
        "default the weakest first, and one for all, got 1");
  CHECK(refused_stages({.stage_fractions = {1.0, -1.0, 1.0}}) ==
        "g2d: schedule::Sequential: expected stage_fractions >= 0 with a positive sum, got [1, -1, 1]");
  CHECK(refused_stages({.stage_fractions = {0.0, 0.0, 0.0}}) ==
        "g2d: schedule::Sequential: expected stage_fractions >= 0 with a positive sum, got [0, 0, 0]");
  CHECK(refused_stages({}, {}) ==
        "g2d: schedule::Sequential: expected the teachers' confidence of 2 modalities (audio, image), got 0; give "
        "teachers, or choose "
        "Order::Declared");
  CHECK(refused_stages({}, {0.5, not_a_number}) ==
        "g2d: schedule::Sequential: modality \"image\": expected its teacher's confidence to be a number, got nan; "
        "measure it on "
        "samples that have the modality");
  CHECK(refused_stages({.order = schedule::Order::Declared}, {0.5, not_a_number}) == "nothing was thrown");
}

TEST_CASE("method::Prioritization: settings that would do nothing are refused", "[errors][method][schedule]") {
  using suppression::NormStatistics;
  const auto prioritized = [](auto schedule, std::optional<g2d::TeacherSummary> teacher_summary) {
    return refused(method::Stack(method::Supervised<Classification>(), method::Prioritization(std::move(schedule))),
                   std::move(teacher_summary));
  };
  using PartialInTurn = schedule::Sequential<suppression::Partial>;
  const PartialInTurn declared({.stage_epochs = {1, 0, 0}, .order = schedule::Order::Declared});
  CHECK(prioritized(declared, {}) ==
        "g2d: method::Prioritization: expected the teachers' confidence of 2 modalities (audio, image), got 0; give "
        "teachers, or a "
        "schedule and a suppression that do without (Order::Declared, Complete)");
  CHECK(prioritized(declared, g2d::TeacherSummary{{3, 3}, num_outputs, {0.5, not_a_number}}) ==
        "g2d: method::Prioritization: modality \"image\": expected its teacher's confidence to be a number, got nan; "
        "measure it on "
        "samples that have the modality");
  CHECK(prioritized(declared, summary) == "nothing was thrown");
  CHECK(prioritized(PartialInTurn({.stage_epochs = {0, 0, 1}, .order = schedule::Order::Declared}), {}) ==
        "nothing was thrown");

  const std::string tracked =
      "g2d: method::Prioritization: expected norm statistics Tracked of a suppression that scales gradients batch by "
      "batch, got Frozen "
      "or Batch; use Complete, or leave them Tracked";
  for (const auto statistics : {NormStatistics::Frozen, NormStatistics::Batch, NormStatistics::Tracked}) {
    const auto expected = statistics == NormStatistics::Tracked ? std::string("nothing was thrown") : tracked;
    const suppression::ZeroedGradients zeroed({.norm_statistics = statistics});
    const suppression::Partial partial({.norm_statistics = statistics});
    CHECK(prioritized(schedule::Batchwise<suppression::ZeroedGradients>({}, zeroed), summary) == expected);
    CHECK(prioritized(schedule::Batchwise<suppression::Partial>({}, partial), summary) == expected);
  }
  CHECK(prioritized(schedule::Batchwise<suppression::Complete>(), summary) == "nothing was thrown");
}

TEST_CASE("schedule::Batchwise: empty windows are refused", "[errors][schedule]") {
  CHECK(thrown<ConfigError>([] { schedule::Batchwise<>({.first_epoch = 3, .last_epoch = 2}); }) ==
        "g2d: schedule::Batchwise: expected 0 <= first_epoch <= last_epoch, got 3 and 2");
  CHECK(thrown<ConfigError>([] { schedule::Batchwise<>({.first_epoch = -1, .last_epoch = 2}); }) ==
        "g2d: schedule::Batchwise: expected 0 <= first_epoch <= last_epoch, got -1 and 2");
}

// --- methods ---

TEST_CASE("method: what is missing or does not fit is refused before the first step", "[errors][method]") {
  CHECK(refused(G2dMethod(), {}) == "g2d: Step: this method distils from teachers, got none; give a TeacherSummary");
  CHECK(refused(G2dMethod({.feature_weight = -1.0})) ==
        "g2d: feature distillation weight: modality \"audio\": expected >= 0, got -1");
  CHECK(refused(G2dMethod({.logit_weight = g2d::PerModality<double>{1.0, not_a_number}})) ==
        "g2d: logit distillation weight: modality \"image\": expected >= 0, got nan");
  CHECK(refused(G2dMethod({.logit_weight = g2d::PerModality<double>{1.0}})) ==
        "g2d: logit distillation weight: expected 2 entries (audio, image), got 1");
  CHECK(refused(G2dMethod(), g2d::TeacherSummary{{3, 7}, num_outputs, {0.5, 0.5}}) ==
        "g2d: feature distillation: modality \"image\": expected the teacher's feature width 7 to equal the student's "
        "3; use "
        "connector::Projection, or None for features");
  CHECK(refused(G2dMethod(), g2d::TeacherSummary{{3}, num_outputs, {0.5}}) ==
        "g2d: feature distillation: expected the feature widths of 2 teachers (audio, image), got 1");
  CHECK(refused(G2dMethod(),
                g2d::TeacherSummary{{3, 3}, num_outputs, {0.5, 0.5}, {}, g2d::ModalityNames{"image", "audio"}}) ==
        "g2d: Step: expected teachers of the student's modalities (audio, image), got (image, audio)");
  CHECK(refused(G2dMethod(), g2d::TeacherSummary{{3, 3}, num_outputs, {0.5, 0.5}, {}, names(2)}) ==
        "nothing was thrown");
  CHECK(refused(G2dMethod(), g2d::TeacherSummary{{3, 3}, 5, {0.5, 0.5}}) ==
        "g2d: logit distillation: expected teachers with the student's 4 outputs, got 5");
  CHECK(refused(method::Stack(method::Supervised<Classification>(), method::Prioritization(schedule::Batchwise<>())),
                {}) == "g2d: method::Prioritization: a schedule that compares batches needs teachers, got none");
  CHECK(refused(method::G2d<Classification>({}, Classification(), distillation::Mse(), distillation::Kl(),
                                            schedule::Sequential<>({.stage_epochs = {1, 2}}))) ==
        "g2d: schedule::Sequential: expected stage_epochs with 3 entries, one for each of (audio, image) alone, by "
        "default the weakest first, and one for all, got 2");
  CHECK(thrown<ConfigError>([] { method::Ogm<Classification>({.strength = -1.0}); }) ==
        "g2d: method::Ogm: expected strength >= 0, got -1");
  CHECK(thrown<ConfigError>([] { method::Window(method::Supervised<Classification>(), {.first = 4, .last = 3}); }) ==
        "g2d: method::Window: expected 0 <= first <= last, got 4 and 3");
}

TEST_CASE("method: formulas chosen at run time are refused where they make no sense",
          "[errors][method][distillation]") {
  using distillation::Any;
  using g2d::distillation::make;
  const auto regression = [](const char* feature, const char* logit) {
    return refused(
        method::G2d<task::Regression, Any, Any, schedule::Joint>({}, task::Regression(), make(feature), make(logit)));
  };
  CHECK(regression("mse", "kl") ==
        "g2d: distillation: this formula cannot compare the predictions of a regression task; choose mse");
  CHECK(regression("mse", "bernoulli-kl") ==
        "g2d: distillation: this formula cannot compare the predictions of a regression task; choose mse");
  CHECK(regression("kl", "mse") ==
        "g2d: distillation: kl compares distributions, features are none; choose mse or cosine");
  CHECK(refused(method::G2d<task::MultiLabel, Any, Any, schedule::Joint>({}, task::MultiLabel(), make("mse"),
                                                                         make("kl"))) ==
        "g2d: distillation: this formula cannot compare the predictions of a multi-label task; choose bernoulli-kl");

  const auto single = make_student(tanh_encoders({5, 2}, {3, 3}), 1);
  const method::G2d<task::Regression, distillation::Mse, distillation::Cosine, schedule::Joint> cosine;
  CHECK(thrown<ConfigError>([&] { AnyStep(*single, cosine, {}, g2d::TeacherSummary{{3, 3}, 1, {0.5, 0.5}}); }) ==
        "g2d: distillation: expected at least 2 outputs for this formula, got 1; choose mse");
}

// --- encoders and students ---

TEST_CASE("Encoder: a missing width, a factor that is not positive, lengths that nobody wants are refused",
          "[errors][encoder]") {
  CHECK(thrown<ConfigError>([] { g2d::Encoder(std::shared_ptr<g2d::encoder::Mlp>()); }) ==
        "g2d: Encoder: expected a module, got none");
  CHECK(thrown<ConfigError>([] { g2d::Encoder(torch::nn::Linear(5, 3)); }) ==
        "g2d: Encoder: expected the feature width, for the module has no feature_width(); give {.feature_width = D}");
  CHECK(thrown<ConfigError>([] { g2d::Encoder(linear_tanh(5, 3), {.learning_rate_factor = 0.0}); }) ==
        "g2d: Encoder: expected learning_rate_factor > 0, got 0; freeze with requires_grad");
  const auto lengths = torch::full({6}, 2, torch::kLong);
  CHECK(thrown<ShapeError>([&] { (void)g2d::Encoder(linear_tanh(5, 3))({ones({6, 5}), lengths}); }) ==
        "g2d: Encoder: expected an input without lengths, for this encoder has no forward(values, lengths)");
  CHECK(thrown<ShapeError>([] { (void)g2d::Encoder(std::make_shared<SequenceMean>(4))({ones({6, 5, 4})}); }) ==
        "g2d: Encoder: expected an input with lengths, for this encoder has only forward(values, lengths)");
}

TEST_CASE("Student: another number of inputs than of modalities is refused, and a mask of another shape",
          "[student][error]") {
  const auto student = make_student(tanh_encoders({5, 4}, {3, 3}), 3);
  const auto audio = torch::randn({6, 5});
  const auto image = torch::randn({6, 4});
  CHECK(thrown<g2d::ShapeError>([&] { (void)student->forward({audio}); }) ==
        "g2d: Student: expected inputs of 2 modalities (audio, image), got 1");
  CHECK(thrown<g2d::ShapeError>([&] { (void)student->forward({audio, image, image}); }) ==
        "g2d: Student: expected inputs of 2 modalities (audio, image), got 3");
  CHECK(thrown<g2d::ShapeError>([&] { (void)student->forward({audio, image}, torch::ones({6}, torch::kBool)); }) ==
        "g2d: Student: expected `present` as bool [B, 2], got Bool [6]");
}

TEST_CASE("Student: encoders that do not match the fusion, or share some parameters, are refused",
          "[errors][student]") {
  const auto construct = [](std::vector<g2d::Encoder> encoders) {
    return thrown<ConfigError>([&] { g2d::BasicStudent(fusion::Late(shape({3, 3})), std::move(encoders)); });
  };
  CHECK(construct(tanh_encoders({5}, {3})) == "g2d: Student: expected 2 encoders (audio, image), got 1");
  CHECK(construct(tanh_encoders({5, 2}, {3, 4})) ==
        "g2d: Student: modality \"image\": expected an encoder of feature width 3 as the fusion's, got 4");

  const auto first = std::make_shared<NormDropout>(5);
  const auto second = std::make_shared<NormDropout>(5);
  second->first = first->first;
  second->replace_module("first", first->first);
  CHECK(construct({first, second}) ==
        "g2d: Student: modalities \"audio\" and \"image\": expected encoders that share all parameters or none, got "
        "some in common, so "
        "that neither could be frozen alone; share the whole encoder");
}

namespace {

struct WrongWidth : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) { return x; }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }
};

}  // namespace

TEST_CASE("Student: an encoder that cannot take its input, or gives another width, is named", "[errors][student]") {
  const g2d::Encoder linear(torch::nn::Linear(5, 3), {.feature_width = 3});
  const auto some_student = make_student({linear, std::make_shared<WrongWidth>()}, num_outputs);
  const auto forward = [&](const g2d::PerModality<g2d::Input>& inputs) {
    return thrown<ShapeError>([&] { (void)some_student->forward(inputs); });
  };
  CHECK(starts_with(forward({ones({6, 4}), ones({6, 3})}),
                    "g2d: Student: modality \"audio\": the encoder cannot take an input of shape [6, 4]: "));
  CHECK(forward({ones({6, 5}), ones({6, 2})}) ==
        "g2d: Student: modality \"image\": features: expected [6, 3], got [6, 2]");
}

// --- steps ---

TEST_CASE("Step: a batch that does not fit is refused", "[errors][step]") {
  const auto some_student = student();
  AnyStep step(*some_student, method::JointTraining<Classification>(), {});
  const auto take = [&](auto&& change) {
    auto samples = batch();
    change(samples);
    return thrown<ShapeError>([&] { step(samples); });
  };
  CHECK(take([](auto& samples) { samples.inputs.pop_back(); }) ==
        "g2d: Batch: expected 2 inputs (audio, image), got 1");
  CHECK(take([](auto& samples) { samples.target = at::Tensor(); }) ==
        "g2d: Batch: expected a target with at least one sample, got none");
  CHECK(take([](auto& samples) { samples.target = samples.target.narrow(0, 0, 0); }) ==
        "g2d: Batch: expected a target with at least one sample, got none");
  CHECK(take([](auto& samples) { samples.inputs[1].values = ones({5, 2}); }) ==
        "g2d: Batch: modality \"image\": expected 6 samples as in the target, got [5, 2]");
  CHECK(take([](auto& samples) { samples.inputs[0].values = at::Tensor(); }) ==
        "g2d: Batch: modality \"audio\": expected 6 samples as in the target, got no tensor");
  CHECK(take([](auto& samples) { samples.sample_ids = torch::arange(5); }) ==
        "g2d: Batch: expected sample_ids int64 [6] in host memory, got Long [5] on cpu");
  CHECK(take([](auto& samples) {
          samples.sample_ids = torch::empty({6}, torch::dtype(torch::kLong).device(torch::kMeta));
        }) == "g2d: Batch: expected sample_ids int64 [6] in host memory, got Long [6] on meta");
  CHECK(take([](auto& samples) { samples.present = ones({6, 2}); }) == "g2d: Batch: expected present of dtype bool");
  CHECK(take([](auto& samples) { samples.present = torch::ones({6, 3}, torch::kBool); }) ==
        "g2d: Batch: present: expected [6, 2], got [6, 3]");
  CHECK(take([](auto& samples) { samples.inputs[0].values = ones({6, 7}); }) ==
        "g2d: encoder::Mlp: expected [B, ...] with 5 values a sample, got [6, 7]");

  auto samples = batch();
  samples.target[3] = num_outputs;
  CHECK(thrown<DataError>([&] { step(samples); }) == "g2d: task::Classification: expected labels in [0, 4), got 4");
  CHECK_NOTHROW(step(batch()));
}

TEST_CASE("Step: a batch of one that meets a norm layer is refused", "[errors][step]") {
  const auto some_student = make_student({std::make_shared<NormDropout>(5), linear_tanh(2, 3)}, num_outputs);
  some_student->train();
  AnyStep step(*some_student, method::JointTraining<Classification>(), {});
  const auto one = Random(3, torch::kFloat).batch(OutputKind::Classes, 1, {5, 2}, num_outputs);
  CHECK(thrown<ShapeError>([&] { step(one); }) ==
        "g2d: Student: modality \"audio\": the encoder cannot take an input of shape [1, 5]: Expected more than 1 "
        "value per channel "
        "when training, got input size [1, 4]");
}

TEST_CASE("Step: teachers' outputs that do not fit are refused", "[errors][step]") {
  const auto some_student = student();
  AnyStep step(*some_student, G2dMethod(), {}, summary);
  CHECK(thrown<ShapeError>([&] { step(batch()); }) ==
        "g2d: Step: expected the outputs of 2 teachers (audio, image), got 0");
  const auto take = [&](auto&& change) {
    auto outputs = teachers();
    change(outputs);
    return thrown<ShapeError>([&] { step(batch(), &outputs); });
  };
  CHECK(take([](auto& outputs) { outputs.logits.pop_back(); }) ==
        "g2d: Step: expected the outputs of 2 teachers (audio, image), got 1");
  CHECK(take([](auto& outputs) { outputs.logits[1] = ones({5, 4}); }) ==
        "g2d: Step: teacher \"image\": logits: expected [6, D], got [5, 4]");
  CHECK(take([](auto& outputs) { outputs.features[0] = at::Tensor(); }) ==
        "g2d: Step: teacher \"audio\": features: expected [6, D], got no tensor");
  CHECK(take([](auto& outputs) { outputs.logits[1] = ones({6, 3}); }) ==
        "g2d: distillation::Kl: expected the teacher's shape to equal the student's [6, 4], got [6, 3]");
}

TEST_CASE("Step: a schedule that compares batches asks for the teachers' confidences", "[errors][step][schedule]") {
  const auto some_student = student();
  const method::G2d<Classification, distillation::Mse, distillation::Kl, schedule::Batchwise<>> batchwise;
  AnyStep step(*some_student, batchwise, {}, summary);
  auto outputs = teachers();
  outputs.confidence = at::Tensor();
  CHECK(thrown<ConfigError>([&] { step(batch(), &outputs); }) ==
        "g2d: schedule::Batchwise: expected TeacherOutputs::confidence, got none");
}

TEST_CASE("Step: gradients of a shared encoder cannot be scaled for one modality", "[errors][step][suppression]") {
  const auto shared = linear_tanh(5, 3);
  const auto some_student = make_student({shared, shared}, num_outputs);
  const ScriptedSchedule<suppression::ZeroedGradients> zeroed{{{true, false}}, suppression::ZeroedGradients()};
  AnyStep step(*some_student, method::Stack(method::Supervised<Classification>(), method::Prioritization(zeroed)), {});
  const auto samples = Random(4, torch::kFloat).batch(OutputKind::Classes, 6, {5, 5}, num_outputs);
  CHECK(thrown<ConfigError>([&] { step(samples); }) ==
        "g2d: modality \"audio\": its encoder also serves \"image\", so that its gradients cannot be scaled alone; "
        "give it an encoder "
        "of its own, or use Complete suppression");
}

TEST_CASE("Step: settings out of range are refused", "[errors][step]") {
  using namespace g2d::optimizer;
  const auto with = [](g2d::StepOptions options) {
    return refused(method::JointTraining<Classification>(), {}, options);
  };
  CHECK(with({.num_epochs = 0}) == "g2d: Step: expected num_epochs >= 1, got 0");
  CHECK(with({.clip_norm = -1.0}) == "g2d: Step: expected clip_norm >= 0, got -1");
  CHECK(with({.optimizer = Sgd{.learning_rate = 0.0}}) == "g2d: optimizer: expected learning_rate > 0, got 0");
  CHECK(with({.optimizer = Sgd{.weight_decay = -1.0}}) == "g2d: optimizer: expected weight_decay >= 0, got -1");
  CHECK(with({.optimizer = Sgd{.momentum = 1.0}}) == "g2d: optimizer::Sgd: expected momentum in [0, 1), got 1");
  CHECK(with({.optimizer = Sgd{.momentum = 0.0, .nesterov = true}}) ==
        "g2d: optimizer::Sgd: expected momentum > 0 with nesterov, got 0");
  CHECK(with({.optimizer = Adam{.beta2 = 1.0}}) == "g2d: optimizer::Adam: expected betas in [0, 1), got 0.9 and 1");
  CHECK(with({.optimizer = AdamW{.learning_rate = not_a_number}}) ==
        "g2d: optimizer: expected learning_rate > 0, got nan");
}

TEST_CASE("Step: a method without a loss, or one that reaches nothing trainable, is refused", "[errors][step]") {
  const auto some_student = student();
  AnyStep nothing(*some_student, method::Stack(method::Prioritization(schedule::Joint())), {});
  CHECK(thrown<ConfigError>([&] { nothing(batch()); }) ==
        "g2d: Step: expected a method with at least one loss term, got none");
  for (auto& parameter : some_student->parameters()) parameter.requires_grad_(false);
  AnyStep frozen(*some_student, method::JointTraining<Classification>(), {});
  CHECK(thrown<ConfigError>([&] { frozen(batch()); }) ==
        "g2d: Step: expected at least one trainable parameter that the loss reaches, got none");
}

// --- data and the helpers that check policies ---

TEST_CASE("data::InMemory: empty, uneven and non-finite data are refused", "[errors][in_memory]") {
  const auto construct = [](at::Tensor audio, at::Tensor image, at::Tensor target) {
    g2d::data::InMemory(names(2), {std::move(audio), std::move(image)}, std::move(target));
  };
  CHECK(thrown<DataError>([&] { construct(ones({0, 5}), ones({0, 2}), torch::zeros({0}, torch::kLong)); }) ==
        "g2d: data::InMemory: expected at least one sample, got an empty dataset");
  CHECK(thrown<ShapeError>([&] { construct(ones({6, 5}), ones({5, 2}), torch::zeros({6}, torch::kLong)); }) ==
        "g2d: Batch: modality \"image\": expected 6 samples as in the target, got [5, 2]");
  CHECK(thrown<DataError>([&] {
          construct(ones({6, 5}), not_a_number * ones({6, 2}), torch::zeros({6}, torch::kLong));
        }) == "g2d: data::InMemory: modality \"image\": expected finite values, got NaN or infinity");
  CHECK(thrown<DataError>([&] { construct(ones({6, 5}), ones({6, 2}), not_a_number * ones({6, 1})); }) ==
        "g2d: data::InMemory: target: expected finite values, got NaN or infinity");
}

TEST_CASE("check: variables that cannot be checked are refused", "[errors][check]") {
  const auto leaf = [] { return torch::ones({2}, torch::kDouble).requires_grad_(); };
  const std::string text =
      "g2d: check::gradient: variable 1: expected a contiguous float64 leaf that requires a gradient, got another "
      "tensor; differences "
      "of float32 say nothing";
  const auto x = leaf();
  const auto check = [&](const at::Tensor& second) {
    return thrown<ConfigError>([&] { (void)g2d::check::gradient([&] { return x.sum(); }, {x, second}); });
  };
  CHECK(check(torch::ones({2}).requires_grad_()) == text);
  CHECK(check(torch::ones({2}, torch::kDouble)) == text);
  CHECK(check(leaf() * 2.0) == text);
  CHECK(check(at::Tensor()) == text);
  CHECK(thrown<ShapeError>([&] { (void)g2d::check::gradient([&] { return x * 2.0; }, {x}); }) ==
        "g2d: check::gradient: expected a scalar loss, got [2]");
  CHECK(thrown<ShapeError>([] { (void)g2d::check::compare(ones({2}), ones({3}), "numbers", 0.0); }) ==
        "g2d: check::compare: numbers: expected [3], got [2]");
}

TEST_CASE("interop: tensors that are no matrix, no labels or no layers are refused", "[errors][interop]") {
  using namespace g2d::interop;
  CHECK(thrown<ShapeError>([] { (void)to_matrix(ones({2, 3, 4})); }) ==
        "g2d: interop::to_matrix: expected at most 2 dimensions, got [2, 3, 4]");
  CHECK(thrown<ShapeError>([] { (void)to_matrix({}); }) ==
        "g2d: interop::to_matrix: expected at most 2 dimensions, got no tensor");
  CHECK(thrown<ShapeError>([] { (void)to_labels(ones({2})); }) ==
        "g2d: interop::to_labels: expected int64 [B], got another tensor");
  g2d::reference::fusion::Sum sum{std::vector<g2d::reference::Linear>(3)};
  CHECK(thrown<ConfigError>([&] { copy_layers(fusion::Sum(shape({3, 3})).parameters(), sum); }) ==
        "g2d: interop::copy_layers: expected a weight, with or without a bias, for each of 3 layers, got 2");

  struct Forgetful : g2d::reference::fusion::Sum {
    [[nodiscard]] g2d::reference::fusion::Gradient backward(
        const g2d::reference::PerModality& features, const g2d::reference::fusion::OutputGradient& gradient) const {
      auto some = Sum::backward(features, gradient);
      some.layers.pop_back();
      return some;
    }
  };
  const Forgetful forgetful{{std::vector<g2d::reference::Linear>(2)}};
  CHECK(thrown<ConfigError>([&] {
          (void)check_fusion(fusion::Sum(shape({3, 3})), forgetful, std::array{ones({6, 3}), ones({6, 3})}, 1e-4);
        }) == "g2d: interop::check_fusion: expected the gradients of 4 parameters from the reference, got 2");
}
