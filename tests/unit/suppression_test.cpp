// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// The coefficients of suppression, what it leaves untouched, bit by bit, and what it puts back.

#include "support/catch.hpp"

#include <fmt/format.h>
#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/check/compare.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>

#include "support/check_report.hpp"
#include "support/optimizers.hpp"
#include "support/policy_lists.hpp"
#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/thrown.hpp"
#include "support/tiny_encoders.hpp"
#include "unit/policy_case.hpp"

namespace {

using namespace g2d_test;
using g2d::OutputKind;
using Names = std::vector<std::string>;
using Flags = std::vector<g2d::PerModality<bool>>;

constexpr std::int64_t num_samples = 6;
constexpr std::int64_t num_classes = 4;
const std::vector<std::int64_t> input_widths{5, 2};

/// Audio: all that makes suppression hard. Image: a plain encoder.
struct Pair {
  Pair() {
    torch::manual_seed(1);
    audio = std::make_shared<NormDropout>(input_widths[0]);
    image = linear_tanh(input_widths[1], 3);
    student = make_student({audio, image}, num_classes);
    student->train();
  }

  std::shared_ptr<NormDropout> audio;
  std::shared_ptr<g2d::encoder::Mlp> image;
  std::shared_ptr<g2d::AnyStudent> student;
};

template <class Suppression>
g2d::method::Any separate(Flags flags, Suppression how = Suppression()) {
  return method::Stack(SeparateLosses(),
                       method::Prioritization(ScriptedSchedule<Suppression>{std::move(flags), std::move(how)}));
}

template <class Suppression>
g2d::method::Any supervised(Flags flags, Suppression how = Suppression()) {
  return method::Stack(method::Supervised<task::Classification>(),
                       method::Prioritization(ScriptedSchedule<Suppression>{std::move(flags), std::move(how)}));
}

/// The batch of a step is a function of its number; so is what dropout draws.
g2d::Batch batch(std::uint64_t number) {
  return Random(number, torch::kFloat).batch(OutputKind::Classes, num_samples, input_widths, num_classes);
}

void take_steps(AnyStep& step, std::int64_t epoch, int count = 3) {
  step.begin_epoch(epoch);
  for (int i = 0; i < count; ++i) {
    const auto number = static_cast<std::uint64_t>(100 * epoch + i);
    torch::manual_seed(number);
    step(batch(number));
  }
}

std::vector<bool> requires_grad(const torch::nn::Module& module) {
  std::vector<bool> flags;
  for (const auto& parameter : module.parameters()) flags.push_back(parameter.requires_grad());
  return flags;
}

const g2d::PerModality<bool> nobody{false, false};
const g2d::PerModality<bool> only_audio{true, false};

}  // namespace

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

TEST_CASE("suppression::Complete: a suppressed encoder stays bit-identical, all else learns", "[suppression]") {
  for (const auto& [name, settings] : optimizers()) {
    for (const auto statistics : {suppression::NormStatistics::Frozen, suppression::NormStatistics::Batch}) {
      INFO(name << (statistics == suppression::NormStatistics::Batch ? ", batch statistics" : ", frozen statistics"));
      Pair pair;
      AnyStep step(*pair.student,
                   supervised<suppression::Complete>({nobody, only_audio, nobody}, suppression::Complete({statistics})),
                   {.optimizer = settings, .num_epochs = 3});
      take_steps(step, 0);
      const auto audio = snapshot(*pair.audio);
      const auto all = snapshot(*pair.student);
      take_steps(step, 1);
      CHECK(changed(audio, *pair.audio).empty());
      CHECK(changed(all, *pair.student) == Names{"encoders.image.fc1.bias", "encoders.image.fc1.weight",
                                                 "fusion.audio.bias", "fusion.audio.weight", "fusion.image.bias",
                                                 "fusion.image.weight"});
      take_steps(step, 2);
      CHECK(changed(audio, *pair.audio) == Names{"first.bias", "first.weight", "norm.bias", "norm.num_batches_tracked",
                                                 "norm.running_mean", "norm.running_var", "norm.weight", "second.bias",
                                                 "second.weight"});
    }
  }
}

TEST_CASE("suppression::Complete: a thawed encoder goes on as if the suppressed steps had not been", "[suppression]") {
  for (const auto& [name, settings] : optimizers()) {
    INFO(name);
    Pair suppressed;
    Pair skipping;
    const g2d::StepOptions options{.optimizer = settings, .num_epochs = 3};
    AnyStep with(*suppressed.student, separate<suppression::Complete>({nobody, only_audio, nobody}), options);
    AnyStep without(*skipping.student, separate<suppression::Complete>({nobody, only_audio, nobody}), options);
    take_steps(with, 0);
    take_steps(without, 0);
    for (int i = 0; i < 2; ++i) {
      take_steps(with, 1);
      suppressed.student->eval();
      suppressed.student->train();
    }
    take_steps(with, 2);
    take_steps(without, 2);
    // Parameters, norm statistics, momentum and moments: a step count or a buffer that had moved would show.
    CHECK(changed(snapshot(*suppressed.audio), *skipping.audio).empty());
  }
}

TEST_CASE("suppression::Complete: an encoder that is suppressed from the start learns once it thaws", "[suppression]") {
  for (const auto& [name, settings] : optimizers()) {
    INFO(name);
    Pair late;
    Pair fresh;
    const g2d::StepOptions options{.optimizer = settings, .num_epochs = 2};
    AnyStep late_step(*late.student, separate<suppression::Complete>({only_audio, nobody}), options);
    AnyStep fresh_step(*fresh.student, separate<suppression::Complete>({nobody, nobody}), options);
    take_steps(late_step, 0);
    take_steps(late_step, 1);
    take_steps(fresh_step, 1);
    CHECK(changed(snapshot(*late.audio), *fresh.audio).empty());
  }
}

TEST_CASE("suppression::Complete: holds for every shipped encoder", "[suppression][encoder]") {
  for_each(Encoders(), []<class Module>(std::type_identity<Module>) {
    INFO(c10::demangle_type<Module>());
    torch::manual_seed(2);
    std::shared_ptr<Module> module;
    std::vector<std::int64_t> sizes{num_samples, 1, 32, 32};
    if constexpr (std::is_same_v<Module, encoder::Mlp>) {
      module = std::make_shared<Module>(encoder::MlpOptions{.in_features = 8, .hidden = {6}, .dropout = 0.4});
      sizes = {num_samples, 8};
    } else if constexpr (std::is_same_v<Module, encoder::Gru>) {
      module = std::make_shared<Module>(encoder::GruOptions{.in_features = 3, .hidden = 4});
      sizes = {num_samples, 5, 3};
    } else if constexpr (std::is_same_v<Module, encoder::Transformer>) {
      module = std::make_shared<Module>(
          encoder::TransformerOptions{.in_features = 3, .width = 8, .heads = 2, .layers = 1, .dropout = 0.4});
      sizes = {num_samples, 5, 3};
    } else {
      module = std::make_shared<Module>();
    }
    const auto student = make_student({module, linear_tanh(2, 3)}, num_classes);
    AnyStep step(*student, supervised<suppression::Complete>({nobody, only_audio}), {.num_epochs = 2});
    const auto one_step = [&](std::int64_t epoch) {
      step.begin_epoch(epoch);
      Random random(3, torch::kFloat);
      g2d::Batch samples;
      samples.inputs = {random.normal(sizes), random.normal({num_samples, 2})};
      samples.target = random.labels(num_samples, num_classes);
      step(samples);
    };
    one_step(0);
    const auto before = snapshot(*module);
    const auto all = snapshot(*student);
    one_step(1);
    CHECK(changed(before, *module).empty());
    CHECK_FALSE(changed(all, *student).empty());
    one_step(0);
    CHECK(changed(before, *module).size() == before.size());
  });
}

TEST_CASE("suppression::Complete: leaves no gradient, and requires_grad and modes as the user set them",
          "[suppression]") {
  Pair pair;
  pair.audio->second->weight.requires_grad_(false);
  pair.audio->norm->eval();
  const auto flags = requires_grad(*pair.student);
  AnyStep step(*pair.student, supervised<suppression::Complete>({only_audio, nobody}), {.num_epochs = 2});
  for (std::int64_t epoch = 0; epoch < 2; ++epoch) {
    take_steps(step, epoch);
    CHECK(requires_grad(*pair.student) == flags);
    CHECK(pair.audio->is_training());
    CHECK(pair.audio->first->is_training());
    CHECK(pair.audio->dropout->is_training());
    CHECK_FALSE(pair.audio->norm->is_training());
    for (const auto& parameter : pair.student->parameters()) CHECK_FALSE(parameter.grad().defined());
  }
}

TEST_CASE("suppression: an encoder that the user froze in part keeps that part in every stage", "[suppression]") {
  Pair pair;
  for (auto& parameter : pair.audio->first->parameters()) parameter.requires_grad_(false);
  const auto before = snapshot(*pair.audio);
  AnyStep step(*pair.student, supervised<suppression::Complete>({nobody, only_audio, nobody}), {.num_epochs = 3});
  for (std::int64_t epoch = 0; epoch < 3; ++epoch) take_steps(step, epoch);
  CHECK(changed(before, *pair.audio) == Names{"norm.bias", "norm.num_batches_tracked", "norm.running_mean",
                                              "norm.running_var", "norm.weight", "second.bias", "second.weight"});
}

TEST_CASE("suppression: a shared encoder is one group, and is frozen only when all that share it are",
          "[suppression]") {
  torch::manual_seed(4);
  const auto shared = std::make_shared<NormDropout>(5);
  const auto own = linear_tanh(2, 3);
  const auto student = make_student({shared, shared, own}, num_classes);
  student->train();

  const auto groups = student->parameter_groups();
  CHECK(groups[0].name == "encoder.audio+image");
  CHECK(groups[0].modalities == std::vector<std::size_t>{0, 1});
  CHECK(groups[0].parameters.size() == shared->parameters().size());
  CHECK(groups[1].name == "encoder.text");

  AnyStep step(*student,
               supervised<suppression::Complete>({{true, false, false}, {true, true, false}, {false, false, true}}),
               {.num_epochs = 3});
  const auto one_step = [&](std::int64_t epoch) {
    step.begin_epoch(epoch);
    step(Random(5, torch::kFloat).batch(OutputKind::Classes, num_samples, {5, 5, 2}, num_classes));
  };
  auto before = snapshot(*shared);
  one_step(0);
  CHECK(changed(before, *shared).size() == before.size());
  CHECK(shared->norm->num_batches_tracked.item<std::int64_t>() == 1);  // the suppressed modality's pass does not count
  before = snapshot(*shared);
  const auto own_before = snapshot(*own);
  one_step(1);
  CHECK(changed(before, *shared).empty());
  CHECK(changed(own_before, *own).size() == 2);
  one_step(2);
  CHECK(changed(before, *shared).size() == before.size());
  CHECK(shared->norm->num_batches_tracked.item<std::int64_t>() == 3);
}

TEST_CASE("suppression: a shared encoder learns from the modality that is not suppressed, alone", "[suppression]") {
  const auto train = [](bool share) {
    torch::manual_seed(6);
    const auto encoder = linear_tanh(5, 3);
    auto other = linear_tanh(5, 3);
    const auto student = make_student({share ? encoder : other, encoder}, num_classes);
    AnyStep step(*student, separate<suppression::Complete>({{true, false}}), {});
    step(Random(7, torch::kFloat).batch(OutputKind::Classes, num_samples, {5, 5}, num_classes));
    return snapshot(*encoder);
  };
  CHECK(train(true) == train(false));
}

TEST_CASE("suppression: norm statistics are frozen, the batch's, or tracked, as asked for", "[suppression]") {
  using suppression::NormStatistics;
  const auto features = [](g2d::method::Any suppressed_by, Pair& pair, Names& moved) {
    AnyStep step(*pair.student, std::move(suppressed_by), {});
    at::Tensor seen;
    step.set_observer({.on_step = [&](const g2d::Observation& observation) {
      seen = observation.outputs.features[0].detach().clone();
    }});
    const auto before = snapshot(*pair.audio);
    torch::manual_seed(8);
    step(batch(9));
    moved = changed(before, *pair.audio);
    return seen;
  };
  const auto expected = [](Pair& pair, bool batch_statistics) {
    pair.audio->eval();
    if (batch_statistics) pair.audio->norm->train();
    return pair.audio->forward(batch(9).inputs[0].values).detach().clone();
  };
  for (const auto statistics : {NormStatistics::Frozen, NormStatistics::Batch}) {
    Pair pair;
    Pair copy;
    Names moved;
    const auto seen =
        features(supervised<suppression::Complete>({only_audio}, suppression::Complete({statistics})), pair, moved);
    CHECK(moved.empty());
    CHECK(torch::equal(seen, expected(copy, statistics == NormStatistics::Batch)));
  }
  for (const auto statistics : {NormStatistics::Frozen, NormStatistics::Batch, NormStatistics::Tracked}) {
    Pair pair;
    Pair copy;
    Names moved;
    const suppression::ZeroedGradients zeroed({.norm_statistics = statistics, .filter = {}});
    const auto seen = features(supervised<suppression::ZeroedGradients>({only_audio}, zeroed), pair, moved);
    const bool tracked = statistics == NormStatistics::Tracked;
    CHECK((std::find(moved.begin(), moved.end(), "norm.running_mean") != moved.end()) == tracked);
    CHECK(torch::equal(seen, expected(copy, statistics == NormStatistics::Batch)) == !tracked);
  }
}

TEST_CASE("suppression::ZeroedGradients: weight decay and momentum still move the weights, as in the authors' code",
          "[suppression]") {
  torch::manual_seed(10);
  const auto convolutional = std::make_shared<TinyConv>();
  const auto student = make_student({convolutional, std::make_shared<TinyConv>()}, num_classes);
  suppression::ParameterFilter filter = suppression::official_filter();
  const auto run = [&](double momentum, double weight_decay) {
    AnyStep step(
        *student,
        supervised<suppression::ZeroedGradients>({nobody, only_audio},
                                                 suppression::ZeroedGradients({.filter = filter})),
        {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = momentum, .weight_decay = weight_decay},
         .num_epochs = 2});
    const auto one_step = [&](std::int64_t epoch) {
      step.begin_epoch(epoch);
      Random random(11, torch::kFloat);
      g2d::Batch samples;
      samples.inputs = {random.normal({num_samples, 1, 6, 6}), random.normal({num_samples, 1, 6, 6})};
      samples.target = random.labels(num_samples, num_classes);
      step(samples);
    };
    one_step(0);
    const auto before = snapshot(*convolutional);
    one_step(1);
    return changed(before, *convolutional);
  };
  const Names statistics_and_norm{"norm.bias", "norm.num_batches_tracked", "norm.running_mean", "norm.running_var",
                                  "norm.weight"};
  Names all = statistics_and_norm;
  all.insert(all.begin(), "convolution.weight");
  CHECK(run(0.0, 0.0) == statistics_and_norm);
  CHECK(run(0.9, 0.0) == all);
  CHECK(run(0.0, 0.01) == all);

  filter = {};
  const Names statistics{"norm.num_batches_tracked", "norm.running_mean", "norm.running_var"};
  CHECK(run(0.0, 0.0) == statistics);
}

namespace {

/// How far each parameter moved in one plain gradient step.
std::vector<at::Tensor> movements(g2d::method::Any method, g2d::AnyStudent& student,
                                  std::optional<g2d::TeacherSummary> summary = {}) {
  std::vector<at::Tensor> before;
  for (const auto& parameter : student.parameters()) before.push_back(parameter.detach().clone());
  AnyStep step(student, std::move(method),
               {.optimizer = g2d::optimizer::Sgd{.learning_rate = 1.0, .momentum = 0.0, .weight_decay = 0.0}}, summary);
  torch::manual_seed(12);
  const auto teachers = Random(13, torch::kFloat).teachers(num_samples, {3, 3}, num_classes);
  step(batch(14), summary ? &teachers : nullptr);
  std::vector<at::Tensor> moved;
  const auto after = student.parameters();
  for (std::size_t i = 0; i < before.size(); ++i) moved.push_back(after[i].detach() - before[i]);
  return moved;
}

}  // namespace

TEST_CASE("suppression::Partial: scales the gradients of a suppressed modality that is the surer one",
          "[suppression]") {
  Pair scaled;
  Pair plain;
  const g2d::TeacherSummary summary{{3, 3}, num_classes, {0.8, 0.4}};
  const auto both = g2d::PerModality<bool>{true, true};
  const auto with = movements(supervised<suppression::Partial>({both}, suppression::Partial({.strength = 0.5})),
                              *scaled.student, summary);
  const auto without = movements(supervised<suppression::Partial>({nobody}), *plain.student, summary);
  const double kappa = 1.0 - std::tanh(0.5 * 2.0);
  const auto audio_parameters = plain.audio->parameters().size();
  for (std::size_t i = 0; i < with.size(); ++i) {
    CHECK_REPORT(g2d::check::compare(with[i], (i < audio_parameters ? kappa : 1.0) * without[i],
                                     fmt::format("parameter {}", i), 1e-6));
  }
}

TEST_CASE("suppression::ParameterFilter: the whole encoder is touched, on request its head too", "[suppression]") {
  const auto still = [](suppression::ZeroedGradients zeroed) {
    Pair pair;
    const auto moved = movements(supervised<suppression::ZeroedGradients>({only_audio}, zeroed), *pair.student);
    const auto names = pair.student->named_parameters().keys();
    Names unmoved;
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (moved[i].eq(0).all().item<bool>()) unmoved.push_back(names[i]);
    }
    return unmoved;
  };
  const Names encoder{"encoders.audio.first.weight", "encoders.audio.first.bias",    "encoders.audio.norm.weight",
                      "encoders.audio.norm.bias",    "encoders.audio.second.weight", "encoders.audio.second.bias"};
  auto with_head = encoder;
  with_head.insert(with_head.end(), {"fusion.audio.weight", "fusion.audio.bias"});
  CHECK(still(suppression::ZeroedGradients()) == encoder);
  CHECK(still(suppression::ZeroedGradients({.filter = {.with_head = true}})) == with_head);
}

namespace {

/// The mean over positions of a 1-D convolution. [B, 1, T] to [B, 3].
struct OneDimensional : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) { return convolution(x).mean(2); }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }

  torch::nn::Conv1d convolution = register_module("convolution", torch::nn::Conv1d(1, 3, 3));
};

/// Features as they are.
struct Unlearned : torch::nn::Module {
  at::Tensor forward(const at::Tensor& x) { return x; }
  [[nodiscard]] std::int64_t feature_width() const { return 3; }
};

/// What a method that scales gradients says of an encoder beside one of 2-D convolutions.
std::string refusal(g2d::Encoder encoder, g2d::method::Any method) {
  const auto student = make_student({std::make_shared<TinyConv>(), std::move(encoder)}, num_classes);
  return thrown<g2d::ConfigError>([&] { AnyStep(*student, std::move(method), {}); });
}

}  // namespace

TEST_CASE("suppression::ParameterFilter: one that admits nothing of an encoder is refused before the first step",
          "[suppression][method]") {
  const auto zeroed = [](suppression::ParameterFilter filter) {
    return supervised<suppression::ZeroedGradients>({only_audio}, suppression::ZeroedGradients({.filter = filter}));
  };
  const auto partial = [](suppression::ParameterFilter filter) {
    return supervised<suppression::Partial>({nobody}, suppression::Partial({.filter = filter}));
  };
  const auto ogm = [](suppression::ParameterFilter filter) -> g2d::method::Any {
    return method::Stack(method::Supervised<task::Classification>(),
                         method::Ogm<task::Classification>({.filter = filter}));
  };
  const auto official = suppression::official_filter();
  const auto no_convolutions = [](const std::string& where, int parameters) {
    return fmt::format(
        "g2d: method::{}: expected 2-D convolutions in the encoder of modality \"image\", for the filter admits "
        "nothing "
        "else, got none among {} parameters; use a filter without convolutions_only",
        where, parameters);
  };
  const std::string unlearned =
      "expected parameters in the encoder of modality \"image\", whose gradients are scaled, got none; use an encoder "
      "that learns";
  CHECK(refusal(linear_tanh(2, 3), zeroed(official)) == no_convolutions("Prioritization", 2));
  CHECK(refusal(linear_tanh(2, 3), ogm(official)) == no_convolutions("Ogm", 2));
  CHECK(refusal(std::make_shared<OneDimensional>(), ogm(official)) == no_convolutions("Ogm", 2));
  CHECK(refusal(std::make_shared<Unlearned>(), ogm({})) == "g2d: method::Ogm: " + unlearned);
  CHECK(refusal(std::make_shared<Unlearned>(), zeroed({})) == "g2d: method::Prioritization: " + unlearned);

  const std::string fine = "nothing was thrown";
  CHECK(refusal(std::make_shared<TinyConv>(), ogm(official)) == fine);
  CHECK(refusal(std::make_shared<TinyConv>(), zeroed(official)) == fine);
  CHECK(refusal(linear_tanh(2, 3), ogm({})) == fine);
  CHECK(refusal(linear_tanh(2, 3), zeroed({})) == fine);
  CHECK(refusal(linear_tanh(2, 3), partial(official)) == fine);  // nobody is ever suppressed
}

TEST_CASE("suppression: a coefficient is reported only where it was applied", "[suppression][observer]") {
  Pair pair;
  for (auto& parameter : pair.audio->parameters()) parameter.requires_grad_(false);
  AnyStep step(*pair.student, supervised<suppression::ZeroedGradients>({{true, true}}), {});
  g2d::PerModality<at::Tensor> kappa;
  step.set_observer({.on_step = [&](const g2d::Observation& seen) { kappa = seen.coefficients; }});
  step(batch(3));
  CHECK_FALSE(kappa[0].defined());
  CHECK(kappa[1].item<double>() == 0.0);
}

TEST_CASE("method::Control: scales of different parameters have no product", "[suppression][method]") {
  const auto scaled = [](suppression::ParameterFilter filter) {
    method::Control control;
    control.gradient_scale = torch::full({}, 0.5);
    control.filter = filter;
    return control;
  };
  auto whole = scaled({});
  whole.combine(scaled({}));
  CHECK(value(whole.gradient_scale) == 0.25);
  CHECK(
      thrown<g2d::ConfigError>([&] { whole.combine(scaled(suppression::official_filter())); }) ==
      "g2d: method::Control: expected one filter of all policies that scale a modality's gradients, got two; give them "
      "the same");
}

namespace {

/// Who was held back in one step under a batchwise schedule: "frozen", kappa, or nothing. `confidence` is that of every
/// sample, [2], or of each, [num_samples, 2].
template <class Suppression>
Names held_back(const at::Tensor& confidence, std::int64_t epoch = 0, const schedule::BatchwiseOptions& options = {},
                at::Tensor present = {}) {
  Pair pair;
  const g2d::TeacherSummary summary{{3, 3}, num_classes, {0.5, 0.5}};
  const method::G2d<task::Classification, distillation::Mse, distillation::Kl, schedule::Batchwise<Suppression>>
      g2d_method({}, task::Classification(), distillation::Mse(), distillation::Kl(),
                 schedule::Batchwise<Suppression>(options));
  AnyStep step(*pair.student, g2d_method, {.num_epochs = 10}, summary);
  Names seen;
  step.set_observer({.on_step = [&](const g2d::Observation& observation) {
    for (std::size_t m = 0; m < 2; ++m) {
      const auto& kappa = observation.coefficients[m];
      seen.push_back(observation.controls[m].frozen ? "frozen"
                     : kappa.defined()              ? fmt::format("{}", kappa.item<double>())
                                                    : "");
    }
  }});
  step.begin_epoch(epoch);
  auto teachers = Random(15, torch::kFloat).teachers(num_samples, {3, 3}, num_classes);
  teachers.confidence = confidence.expand({num_samples, 2});
  auto samples = batch(16);
  samples.present = std::move(present);
  step(samples, &teachers);
  return seen;
}
template <class Suppression>
Names held_back(const std::vector<double>& confidence, std::int64_t epoch = 0,
                const schedule::BatchwiseOptions& options = {}) {
  return held_back<Suppression>(torch::tensor(confidence, torch::kDouble), epoch, options);
}

}  // namespace

TEST_CASE(
    "schedule::Batchwise: suppresses the modality with the surer teacher, in its window; a tie suppresses nothing",
    "[suppression][schedule]") {
  using suppression::Complete;
  using suppression::ZeroedGradients;
  CHECK(held_back<ZeroedGradients>({0.9, 0.4}) == Names{"0", "1"});
  CHECK(held_back<ZeroedGradients>({0.3, 0.4}) == Names{"1", "0"});
  CHECK(held_back<ZeroedGradients>({0.4, 0.4}) == Names{"1", "1"});
  CHECK(held_back<Complete>({0.9, 0.4}) == Names{"frozen", ""});
  CHECK(held_back<Complete>({0.4, 0.4}) == Names{"", ""});
  CHECK(held_back<ZeroedGradients>({0.9, 0.4}, 1, {.first_epoch = 2, .last_epoch = 3}) == Names{"", ""});
  CHECK(held_back<ZeroedGradients>({0.9, 0.4}, 3, {.first_epoch = 2, .last_epoch = 3}) == Names{"0", "1"});
  CHECK(held_back<ZeroedGradients>({0.9, 0.4}, 4, {.first_epoch = 2, .last_epoch = 3}) == Names{"", ""});
}

TEST_CASE("schedule::Batchwise: a modality is as sure as the teacher is of the samples that have it",
          "[suppression][schedule][presence]") {
  using suppression::Complete;
  using suppression::ZeroedGradients;
  const auto equal = torch::full({2}, 0.5, torch::kDouble);
  auto half = torch::ones({num_samples, 2}, torch::kBool);
  half.select(1, 1).narrow(0, 0, num_samples / 2).fill_(false);
  CHECK(held_back<ZeroedGradients>(equal, 0, {}, half) == Names{"1", "1"});
  CHECK(held_back<Complete>(equal, 0, {}, half) == Names{"", ""});
  const auto image_surer = torch::tensor({0.5, 0.6}, torch::kDouble);
  CHECK(held_back<ZeroedGradients>(image_surer, 0, {}, half) == Names{"1", "0"});

  // What is said of absent samples, a number or none, means nothing.
  for (const double of_absent : {0.0, 1.0, std::nan("")}) {
    const auto confidence = torch::where(half, image_surer, torch::full({}, of_absent, torch::kDouble));
    CHECK(held_back<Complete>(confidence, 0, {}, half) == Names{"", "frozen"});
  }
  auto single = torch::zeros({num_samples, 2}, torch::kBool);
  single[0].fill_(true);
  single[1][0] = true;
  CHECK(held_back<Complete>(image_surer, 0, {}, single) == Names{"", "frozen"});
  auto never = torch::ones({num_samples, 2}, torch::kBool);
  never.select(1, 1).fill_(false);
  CHECK(held_back<Complete>(image_surer, 0, {}, never) == Names{"", ""});
}

TEST_CASE("schedule::Batchwise: where the batch is on another device, the teachers tell who has what",
          "[suppression][schedule][presence]") {
  method::Prioritization policy{schedule::Batchwise<suppression::Complete>()};
  method::Setup setup{names(2), {3, 3}, num_classes, 2, g2d::TeacherSummary{{3, 3}, num_classes, {0.5, 0.5}}};
  policy.begin(setup);
  method::Plan plan{.controls = method::Controls(2)};
  policy.plan(0, plan);
  auto samples = batch(17);
  auto half = torch::ones({num_samples, 2}, torch::kBool);
  half.select(1, 1).narrow(0, 0, num_samples / 2).fill_(false);
  samples.present = half.to(torch::kMeta);
  g2d::TeacherOutputs outputs;
  outputs.confidence = torch::tensor({0.5, 0.6}, torch::kDouble) * half;
  const auto frozen = [&] {
    auto controls = plan.controls;
    policy.control_batch({0, 0, samples, &outputs}, controls);
    return std::pair(controls[0].frozen, controls[1].frozen);
  };
  outputs.present = half;
  CHECK(frozen() == std::pair(false, true));
}
