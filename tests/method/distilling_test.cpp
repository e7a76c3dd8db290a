// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Methods that learn from teachers, from other modalities or from fewer of them: UMT, ensembles of teachers, CML, MBSD,
// Greedy.

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include <g2d/fusion/concat.hpp>
#include <g2d/fusion/cross_excitation.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/method/cml.hpp>
#include <g2d/method/greedy.hpp>
#include <g2d/method/mbsd.hpp>
#include <g2d/method/stack.hpp>
#include <g2d/method/supervised.hpp>
#include <g2d/method/umt.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/ensemble.hpp>
#include <g2d/train/evaluate.hpp>

#include "support/snapshot.hpp"
#include "support/students.hpp"
#include "support/test_directory.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using Task = g2d::task::Classification;
using nlohmann::json;
namespace method = g2d::method;
namespace fusion = g2d::fusion;

constexpr std::int64_t width = 3;
constexpr std::int64_t batch_size = 6;
const g2d::optimizer::Sgd plain_sgd{.learning_rate = 0.3, .momentum = 0.0, .weight_decay = 0.0};

std::vector<std::int64_t> widths(std::size_t num_modalities, std::int64_t each = width) {
  return std::vector<std::int64_t>(num_modalities, each);
}

std::shared_ptr<g2d::AnyStudent> double_student(std::size_t num_modalities, std::string_view fusion_name = "concat",
                                                std::string_view readout = "auto") {
  torch::manual_seed(3);
  auto student = make_student(tanh_encoders(widths(num_modalities, input_width), widths(num_modalities)), num_classes,
                              fusion_name, readout);
  student->to(at::kDouble);
  return student;
}

g2d::Batch batch(std::size_t num_modalities, std::uint64_t seed = 1) {
  return Random(seed).batch(g2d::OutputKind::Classes, batch_size, widths(num_modalities, input_width), num_classes);
}

/// The sum of a step's terms of one name, unweighted.
double sum(const g2d::StepResult& result, std::string_view name) {
  double total = 0.0;
  for (const auto& term : result.terms) {
    if (term.name == name) total += term.value.item<double>();
  }
  return total;
}

double number(const at::Tensor& scalar) { return scalar.item<double>(); }

bool equal_to_rounding(const at::Tensor& a, const at::Tensor& b) { return torch::allclose(a, b, 1e-9, 1e-12); }

at::Tensor tensor_of(const json& values) {
  if (!values.is_array()) return at::scalar_tensor(values.get<double>(), at::kDouble);
  std::vector<at::Tensor> parts;
  for (const auto& value : values) parts.push_back(tensor_of(value));
  return at::stack(parts);
}

}  // namespace

// --- UMT ---

namespace {

g2d::TeacherSummary summary(std::size_t num_modalities) {
  return {{g2d::PerModality<std::int64_t>(num_modalities, width)},
          num_classes,
          g2d::PerModality<double>(num_modalities, 0.5)};
}

}  // namespace

TEST_CASE("method::Umt: the supervised loss and lambda times the mean squared distance to the teachers", "[method]") {
  for (std::size_t modalities = 1; modalities <= 4; ++modalities) {
    const auto student = double_student(modalities);
    const auto samples = batch(modalities);
    const auto teachers = Random(9).teachers(batch_size, widths(modalities), num_classes);
    const auto features = student->encode(samples.inputs);
    const auto task = Task().loss(student->fuse(features).logits, samples.target);
    auto distance = at::zeros({}, at::kDouble);
    for (std::size_t m = 0; m < modalities; ++m)
      distance = distance + (features[m] - teachers.features[m]).square().mean();
    AnyStep step(*student, method::Umt<Task>({.weight = 7.0}), {.optimizer = plain_sgd}, summary(modalities));
    const auto result = step(samples, &teachers);
    CHECK(result.terms.size() == 1 + modalities);
    CHECK(sum(result, "feature") == Approx(number(distance)));
    CHECK(number(result.total) == Approx(number(task + 7.0 * distance)));
  }
}

TEST_CASE("method::Umt: lambda 0 is joint training, byte for byte", "[method]") {
  const auto teachers = Random(9).teachers(batch_size, widths(2), num_classes);
  const auto umt = double_student(2);
  AnyStep distilling(*umt, method::Umt<Task>({.weight = 0.0}), {.optimizer = plain_sgd}, summary(2));
  const auto joint_student = double_student(2);
  AnyStep plain(*joint_student, joint(), {.optimizer = plain_sgd});
  for (std::uint64_t i = 0; i < 3; ++i) {
    (void)distilling(batch(2, i), &teachers);
    (void)plain(batch(2, i));
  }
  CHECK(snapshot(*umt) == snapshot(*joint_student));
}

TEST_CASE("method::Umt: what a teacher says of an absent sample does not count", "[method]") {
  auto samples = batch(2);
  samples.present = at::ones({batch_size, 2}, at::kBool);
  samples.present[0][1] = false;
  auto teachers = Random(9).teachers(batch_size, widths(2), num_classes);
  teachers.features[1][0].fill_(std::nan(""));
  const auto student = double_student(2);
  const auto features = student->encode(samples.inputs, samples.present);
  const auto expected = (features[0] - teachers.features[0]).square().mean() +
                        (features[1] - teachers.features[1]).slice(0, 1).square().mean();
  AnyStep step(*student, method::Umt<Task>(), {.optimizer = plain_sgd}, summary(2));
  CHECK(sum(step(samples, &teachers), "feature") == Approx(number(expected)));
}

TEST_CASE("method::Umt: without teachers, or with a negative weight, it is refused", "[method]") {
  const auto student = double_student(2);
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*student, method::Umt<Task>()); }) ==
        "g2d: Step: this method distils from teachers, got none; give a TeacherSummary");
  CHECK(thrown<g2d::ConfigError>([&] { AnyStep(*student, method::Umt<Task>({.weight = -1.0}), {}, summary(2)); }) ==
        "g2d: feature distillation weight: modality \"audio\": expected >= 0, got -1");
}

// --- ensembles of teachers ---

namespace {

/// Models whose norm statistics are not those of a new layer.
g2d::UnimodalModels unimodal_models(std::size_t num_modalities = 2, std::int64_t first_outputs = num_classes) {
  torch::manual_seed(8);
  g2d::UnimodalModels models;
  for (const auto& name : names(num_modalities)) {
    models.push_back(g2d::make_unimodal_model(name, std::make_shared<NormDropout>(input_width, width),
                                              models.empty() ? first_outputs : num_classes));
    (void)models.back()->forward(std::vector<g2d::Input>{torch::randn({16, input_width}).mul(3.0)});
    models.back()->eval();
  }
  return models;
}

g2d::Encoder new_encoder(std::size_t /*m*/) { return std::make_shared<NormDropout>(input_width, width); }

std::vector<Snapshot> snapshots(const g2d::UnimodalModels& models) {
  std::vector<Snapshot> all;
  for (const auto& model : models) all.push_back(snapshot(*model));
  return all;
}

}  // namespace

TEST_CASE("make_ensemble: is the mean of the models' outputs, in evaluation mode, for any M", "[method][ensemble]") {
  for (std::size_t modalities = 1; modalities <= 4; ++modalities) {
    const auto models = unimodal_models(modalities);
    const auto ensemble = g2d::make_ensemble(models, new_encoder);
    CHECK(ensemble->names() == names(modalities));
    std::vector<g2d::Input> inputs;
    auto mean = at::zeros({5, num_classes});
    for (const auto& model : models) {
      inputs.emplace_back(torch::randn({5, input_width}));
      mean += model->forward(std::vector<g2d::Input>{inputs.back()}) / static_cast<double>(modalities);
    }
    CHECK(torch::allclose(ensemble->forward(inputs), mean, 1e-5, 1e-6));
  }
}

TEST_CASE("make_ensemble: deep copies in the models' dtype, so that training one leaves the other alone",
          "[method][ensemble]") {
  const auto models = unimodal_models();
  for (const auto& model : models) {
    model->to(at::kDouble);
    const at::NoGradGuard no_grad;
    for (auto& parameter : model->parameters()) parameter.add_(1e-12);
  }
  const auto before = snapshots(models);
  const auto ensemble = g2d::make_ensemble(models, new_encoder);
  CHECK(ensemble->parameters()[0].scalar_type() == at::kDouble);
  const std::vector<g2d::Input> inputs(2, torch::randn({4, input_width}, at::kDouble));
  for (std::size_t m = 0; m < 2; ++m) {
    CHECK(torch::equal(ensemble->encode(m, inputs[m]),
                       models[m]->encode(0, inputs[m])));  // not rounded to float32 on the way
    CHECK(norm_dropout(*ensemble, m).norm->num_batches_tracked.scalar_type() == at::kLong);
  }
  const auto made = snapshot(*ensemble);
  auto trainer = make_trainer(*ensemble, joint(), {.num_epochs = 2});
  const auto history = trainer.fit(blobs(24, 0, 2, at::kDouble), blobs(12, 1, 2, at::kDouble));
  CHECK(history.epochs.back().num_skipped == 0);
  CHECK(changed(made, *ensemble).size() == made.size());
  CHECK(snapshots(models) == before);
}

TEST_CASE("make_student_of_teachers: only the fusion learns, under weight decay and momentum too",
          "[method][ensemble]") {
  const auto models = unimodal_models();
  const auto before = snapshots(models);
  const auto student = g2d::make_student_of_teachers(models, new_encoder, fusion::Concat(g2d::fusion_shape(models)));
  const auto made = snapshot(*student);
  auto trainer = make_trainer(
      *student, joint(),
      {.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1}, .num_epochs = 3});
  const auto history = trainer.fit(blobs(24, 0), blobs(12, 1));
  CHECK(changed(made, *student) == std::vector<std::string>{"fusion.output.bias", "fusion.output.weight"});
  CHECK(history.epochs[2].losses[0].second < history.epochs[0].losses[0].second);
  CHECK(snapshots(models) == before);
  const auto input = torch::randn({4, input_width});
  CHECK(torch::equal(student->encode(1, input), models[1]->encode(0, input)));
}

TEST_CASE("make_student_of_teachers: the readout may be trained beside the fusion", "[method][ensemble]") {
  const auto models = unimodal_models(3);
  const auto shape = g2d::fusion_shape(models);
  const auto student =
      g2d::make_student_of_teachers(models, new_encoder, fusion::Late(shape), g2d::readout::OwnHeads(shape));
  const auto made = snapshot(*student);
  auto trainer = make_trainer(*student, method::Mbsd<Task>(), {.num_epochs = 1});
  (void)trainer.fit(blobs(24, 0, 3), blobs(12, 1, 3));
  for (const auto& name : changed(made, *student)) CHECK_FALSE(name.starts_with("encoders."));
  CHECK(changed(made, *student).size() == 12);
}

TEST_CASE("ensembles: models that do not fit together, or encoders that do not fit them, are refused",
          "[method][ensemble]") {
  const auto models = unimodal_models();
  const auto refusal = [](const g2d::UnimodalModels& some) {
    return thrown<g2d::ConfigError>([&] { (void)g2d::make_ensemble(some, new_encoder); });
  };
  CHECK(refusal({}) == "g2d: ModalityNames: expected at least one modality, got none");
  CHECK(refusal({models[0], models[0]}) == "g2d: ModalityNames: expected distinct names, got \"audio\" twice");
  CHECK(refusal(unimodal_models(2, 5)) ==
        "g2d: ensemble: modality \"image\": expected 5 outputs as the model of \"audio\", got 3");
  const auto both =
      std::make_shared<g2d::UnimodalModel>(fusion::Late(g2d::FusionShape(names(2), {width, width}, num_classes)),
                                           std::vector<g2d::Encoder>{new_encoder(0), new_encoder(1)});
  CHECK(refusal({both}) == "g2d: ensemble: expected models of one modality, got one of 2 (audio, image)");
  CHECK(thrown<g2d::ConfigError>([&] {
          (void)g2d::make_ensemble(models, [](std::size_t) { return g2d::Encoder(linear_tanh(input_width, width)); });
        }) ==
        "g2d: ensemble: modality \"audio\": expected make_encoder to give an encoder like the model's, got another "
        "architecture");
  const g2d::FusionShape other(names(3), widths(3), num_classes);
  CHECK_THAT(
      thrown<g2d::ConfigError>([&] { (void)g2d::make_student_of_teachers(models, new_encoder, fusion::Late(other)); }),
      Contains("of the models' modalities (audio, image)") && Contains("got one of (audio, image, text)") &&
          Contains("make it with fusion_shape(models)"));
}

// --- CML ---

TEST_CASE("method::Cml: on a linear head, leaving out is cutting columns", "[method]") {
  for (std::size_t modalities = 2; modalities <= 4; ++modalities) {
    const auto student = double_student(modalities);
    const auto samples = batch(modalities);
    const auto& concat = *student->fusion().get_if<fusion::Concat>();
    const auto parts = concat.split_logits(student->encode(samples.inputs));
    const auto bias = concat.parameters()[1].value;
    auto logits = parts[0].clone();
    for (std::size_t m = 1; m < modalities; ++m) logits = logits + parts[m];
    double expected = 0.0;
    auto order = method::cml_order(modalities, 4, 0);
    order.pop_back();
    for (const auto m : order) {
      logits = logits - parts[m] + bias / static_cast<double>(modalities);
      expected += number(Task().loss(logits, samples.target));
    }
    AnyStep step(*student, method::Cml<Task>({.seed = 4}), {.optimizer = plain_sgd});
    const auto result = step(samples);
    CHECK(sum(result, "subset") == Approx(expected));
    CHECK(number(result.total) ==
          Approx((sum(result, "task") + sum(result, "subset")) / static_cast<double>(modalities) +
                 0.1 * sum(result, "confidence")));
  }
}

TEST_CASE("method::Cml: orders are all met, and given by seed and step alone", "[method]") {
  std::vector<int> first(3, 0);
  for (std::int64_t step = 0; step < 300; ++step) {
    CHECK(method::cml_order(3, 1, step) == method::cml_order(3, 1, step));
    ++first[method::cml_order(3, 1, step)[0]];
  }
  for (const int count : first) CHECK((count > 70 && count < 130));
}

TEST_CASE("method::Cml: samples that lack what is removed do not count", "[method]") {
  const auto student = double_student(2, "late");
  auto samples = batch(2);
  const auto removed = method::cml_order(2, 0, 0)[0];
  samples.present = at::ones({batch_size, 2}, at::kBool);
  samples.present.select(1, static_cast<std::int64_t>(removed)).slice(0, 0, 4).fill_(false);
  auto features = student->encode(samples.inputs, samples.present);
  const auto sure = [&] { return torch::softmax(student->fuse(features).logits, 1).amax(1); };
  const auto fuller = sure();
  features[removed] = at::zeros_like(features[removed]);
  const auto rise = (sure() - fuller).relu().slice(0, 4);
  AnyStep plain(*student, method::Cml<Task>(), {.optimizer = plain_sgd});
  CHECK(sum(plain(samples), "confidence") == Approx(number(rise.mean())).margin(1e-12));
}

TEST_CASE("method::Cml: with one modality it is joint training; negative settings are refused", "[method]") {
  const auto student = double_student(1);
  AnyStep step(*student, method::Cml<Task>(), {.optimizer = plain_sgd});
  const auto result = step(batch(1));
  CHECK(result.terms.size() == 1);
  CHECK(result.total.equal(result.terms[0].value));
  CHECK(thrown<g2d::ConfigError>([] { method::Cml<Task>({.weight = -1.0}); }) ==
        "g2d: method::Cml: expected weight and margin >= 0, got -1 and 0");
}

// --- MBSD ---

namespace {

/// One pair of unimodal outputs through the method's loss hook.
method::Terms mbsd_terms(const method::MbsdOptions& options, const g2d::PerModality<at::Tensor>& logits,
                         const g2d::Batch& samples) {
  method::Mbsd<Task> mbsd(options);
  method::Outputs outputs;
  outputs.fused = logits[0];
  outputs.unimodal = logits;
  method::Terms terms;
  mbsd.loss({0, 0, samples, nullptr, 0, nullptr}, outputs, terms);
  return terms;
}

double value(const method::Terms& terms, std::string_view name) {
  for (const auto& term : terms) {
    if (term.name == name) return number(term.value);
  }
  return std::nan("");
}

}  // namespace

TEST_CASE("method::Mbsd: BalanceBenchmark compares the logits of two modalities, and lets everything learn",
          "[method]") {
  const auto samples = batch(2);
  const auto logits = Random(2).matrices(batch_size, widths(2, num_classes));
  g2d::PerModality<at::Tensor> attached{logits[0].clone().requires_grad_(), logits[1].clone().requires_grad_()};
  const auto terms = mbsd_terms({.form = method::MbsdForm::BalanceBenchmark}, attached, samples);
  const auto p = torch::softmax(logits[0], 1), q = torch::softmax(logits[1], 1);
  double similarity = 0.0, distillation = 0.0;
  for (std::int64_t i = 0; i < batch_size; ++i) {
    const auto y = samples.target[i].item<std::int64_t>();
    const double a = number(p[i][y]), b = number(q[i][y]);
    const bool counts = p[i].argmax().item<std::int64_t>() == y || q[i].argmax().item<std::int64_t>() == y;
    const double weight = counts ? std::abs(a - b) : 0.0;
    similarity += weight * number((logits[0][i] - logits[1][i]).square().sum()) / num_classes;
    distillation += weight * std::min(a, b) * (std::log(std::min(a, b)) - std::max(a, b));
  }
  CHECK(value(terms, "similarity") == Approx(similarity / batch_size));
  CHECK(value(terms, "distillation") == Approx(distillation / batch_size));
  for (const auto& term : terms) {
    if (term.name == "distillation") term.value.backward();
  }
  for (const auto& z : attached) CHECK(number(z.grad().abs().max()) > 0.0);
}

TEST_CASE("method::Mbsd: a mean over all pairs, and none with one modality", "[method]") {
  for (std::size_t modalities = 1; modalities <= 4; ++modalities) {
    const auto samples = batch(modalities);
    const auto logits = Random(2).matrices(batch_size, widths(modalities, num_classes));
    const auto terms = mbsd_terms({}, logits, samples);
    if (modalities == 1) {
      CHECK(terms.size() == 2);
      continue;
    }
    double expected = 0.0, pairs = 0.0;
    for (std::size_t a = 0; a < modalities; ++a) {
      for (std::size_t b = a + 1; b < modalities; ++b, ++pairs) {
        expected += value(mbsd_terms({}, {logits[a], logits[b]}, samples), "distillation");
      }
    }
    CHECK(terms.size() == 1 + modalities + 2);
    CHECK(terms.back().weight * number(terms.back().value) == Approx(expected / pairs));
  }
}

TEST_CASE("method::Mbsd: pairs count the samples that have both", "[method]") {
  auto samples = batch(2);
  const auto logits = Random(2).matrices(batch_size, widths(2, num_classes));
  samples.present = at::ones({batch_size, 2}, at::kBool);
  samples.present[0][0] = false;
  samples.present[1][1] = false;
  auto complete_samples = samples;
  complete_samples.present = at::Tensor();
  complete_samples.target = samples.target.slice(0, 2);
  const auto expected = mbsd_terms({}, {logits[0].slice(0, 2), logits[1].slice(0, 2)}, complete_samples);
  const auto terms = mbsd_terms({}, logits, samples);
  CHECK(value(terms, "similarity") == Approx(value(expected, "similarity")));
  CHECK(value(terms, "distillation") == Approx(value(expected, "distillation")));
}

TEST_CASE("method::Mbsd: a negative weight is refused", "[method]") {
  CHECK(thrown<g2d::ConfigError>([] { method::Mbsd<Task>({.weight = -1.0}); }) ==
        "g2d: method::Mbsd: expected weight >= 0, got -1");
}

// --- Greedy ---

namespace {

using GreedyMethod = method::Stack<method::Supervised<Task>, method::Greedy>;
using GreedyStep = g2d::Step<g2d::AnyStudent, GreedyMethod>;

GreedyMethod greedy(method::GreedyOptions options = {}) {
  return GreedyMethod(method::Supervised<Task>(), method::Greedy(options));
}

void load(const g2d::AnyStudent& student, const json& layers) {
  const at::NoGradGuard no_grad;
  auto parameters = student.named_parameters();
  for (const auto& [name, layer] : layers.items()) {
    for (const auto& [key, values] : layer.items()) parameters[name + "." + key].copy_(tensor_of(values));
  }
}

}  // namespace

TEST_CASE("method::Greedy: speeds, curation and weights of whole runs equal NumPy's", "[method][golden]") {
  const auto golden = json::parse(std::ifstream(test_directory() / "method" / "golden" / "greedy.json"));
  const auto& settings = golden["settings"];
  const std::int64_t features = settings["width"], epoch_length = settings["steps_an_epoch"];
  for (const std::size_t modalities : {std::size_t{2}, std::size_t{3}}) {
    const auto& run = golden["runs"][std::to_string(modalities)];
    const auto student =
        make_student(tanh_encoders(run["inputs"].get<std::vector<std::int64_t>>(), widths(modalities, features)),
                     settings["classes"], "cross-excitation");
    student->to(at::kDouble);
    load(*student, run["before"]);
    GreedyStep step(
        *student,
        greedy(
            {.threshold = settings["threshold"], .window = settings["window"], .first_epoch = settings["first_epoch"]}),
        {.optimizer = g2d::optimizer::Sgd{.learning_rate = settings["rate"], .momentum = 0.0, .weight_decay = 0.0},
         .num_epochs = 6});
    const auto& policy = step.method().get<1>();
    for (std::size_t i = 0; i < run["batches"].size(); ++i) {
      INFO(fmt::format("{} modalities, step {}", modalities, i));
      const auto& expected = run["steps"][i];
      step.begin_epoch(static_cast<std::int64_t>(i) / epoch_length);
      g2d::Batch samples;
      for (const auto& values : run["batches"][i]["inputs"]) samples.inputs.emplace_back(tensor_of(values));
      samples.target = tensor_of(run["batches"][i]["labels"]).to(at::kLong);
      CHECK(number(step(samples).total) == Approx(expected["loss"].get<double>()).epsilon(1e-9));
      CHECK(equal_to_rounding(policy.ratios(), tensor_of(expected["ratios"])));
      for (std::size_t m = 0; m < modalities; ++m) {
        CHECK(policy.is_curated(m).item<bool>() == (expected["curated_next"].get<int>() == static_cast<int>(m)));
      }
    }
    for (std::size_t m = 0; m < modalities; ++m)
      CHECK(equal_to_rounding(policy.mean_gates()[m], tensor_of(run["mean_gates"][m])));
    const auto parameters = student->named_parameters();
    for (const auto& [name, layer] : run["after"].items()) {
      for (const auto& [key, values] : layer.items())
        CHECK(equal_to_rounding(parameters[name + "." + key], tensor_of(values)));
    }
  }
}

TEST_CASE("method::Greedy: a modality in curation teaches its gate nothing, and evaluation sees a plain fusion",
          "[method]") {
  const auto student = double_student(2, "cross-excitation");
  GreedyStep step(*student, greedy({.threshold = 0.0, .window = 100, .first_epoch = 0}), {.optimizer = plain_sgd});
  (void)step(batch(2, 1));
  const auto& policy = step.method().get<1>();
  const std::size_t curated = policy.is_curated(0).item<bool>() ? 0 : 1;
  REQUIRE(policy.is_curated(curated).item<bool>());
  const auto before = snapshot(*student);
  const auto ratios = policy.ratios();
  (void)step(batch(2, 2));
  const auto moved = changed(before, *student);
  CHECK(policy.ratios().equal(ratios));
  for (std::size_t m = 0; m < 2; ++m) {
    const auto excitation = fmt::format("fusion.excite.{}.weight", names(2)[m]);
    CHECK((std::find(moved.begin(), moved.end(), excitation) != moved.end()) == (m != curated));
  }
  const auto& excitation = *student->fusion().get_if<fusion::CrossExcitation>();
  const auto features = student->encode(batch(2, 3).inputs);
  const auto parts = excitation.split_logits(features);
  CHECK(equal_to_rounding(student->fuse(features).logits, parts[0] + parts[1]));
}

TEST_CASE("method::Greedy: a bad batch or a frozen encoder is not measured", "[method]") {
  const auto student = double_student(2, "cross-excitation");
  GreedyStep step(*student, greedy({.first_epoch = 100}),
                  {.optimizer = plain_sgd, .finite_check = g2d::FiniteCheck::Gradients});
  (void)step(batch(2, 1));
  const auto& policy = step.method().get<1>();
  const auto ratios = policy.ratios();
  const auto gate = policy.mean_gates()[0];
  auto bad = batch(2, 2);
  bad.inputs[0].values[0][0] = std::nan("");
  CHECK(step(bad).is_skipped.item<bool>());
  CHECK(policy.ratios().equal(ratios));
  CHECK(policy.mean_gates()[0].equal(gate));
  for (auto& parameter : student->encoder(0).module()->parameters()) parameter.requires_grad_(false);
  (void)step(batch(2, 3));
  CHECK(policy.ratios().equal(ratios));
  CHECK_FALSE(policy.mean_gates()[0].equal(gate));
}

TEST_CASE("method::Greedy: a step that fails before the fusion leaves no gate curated", "[method]") {
  torch::manual_seed(8);
  const auto fragile = std::make_shared<Fragile>(input_width);
  const auto student = make_student({fragile, linear_tanh(input_width, 3)}, num_classes, "cross-excitation");
  const auto samples = [](std::uint64_t number) {
    return Random(number, torch::kFloat)
        .batch(g2d::OutputKind::Classes, batch_size, widths(2, input_width), num_classes);
  };
  GreedyStep step(*student, greedy({.threshold = 0.0, .window = 100, .first_epoch = 0}), {.optimizer = plain_sgd});
  (void)step(samples(1));
  const auto& policy = step.method().get<1>();
  REQUIRE((policy.is_curated(0).item<bool>() || policy.is_curated(1).item<bool>()));
  fragile->breaks = true;
  CHECK(thrown<std::runtime_error>([&] { (void)step(samples(2)); }) == "the encoder broke");
  fragile->breaks = false;
  student->eval();
  const auto features = student->encode(samples(3).inputs);
  const auto parts = student->fusion().get_if<fusion::CrossExcitation>()->split_logits(features);
  CHECK(torch::allclose(student->fuse(features).logits, parts[0] + parts[1]));
  student->train();
  CHECK_NOTHROW(step(samples(4)));
}

TEST_CASE("method::Greedy: a mean gate is that of the samples that have the modality", "[method][presence]") {
  const auto student = double_student(2, "cross-excitation");
  GreedyStep step(*student, greedy({.first_epoch = 100}), {.optimizer = plain_sgd});
  const auto& policy = step.method().get<1>();
  auto samples = batch(2, 1);
  samples.present = at::ones({batch_size, 2}, at::kBool);
  samples.present.select(1, 0).slice(0, 1).fill_(false);
  (void)step(samples);
  const auto& gates = student->fusion().get_if<fusion::CrossExcitation>()->gate().recorded();
  CHECK(policy.mean_gates()[0].allclose(gates[0][0]));
  CHECK(policy.mean_gates()[1].allclose(gates[1].mean(0)));
  const auto first = policy.mean_gates()[0].clone();
  const auto second = policy.mean_gates()[1].clone();
  samples.present.select(1, 0).fill_(false);
  (void)step(samples);
  CHECK(policy.mean_gates()[0].equal(first));
  CHECK(policy.mean_gates()[1].allclose((second + gates[1].mean(0)) / 2));
}

TEST_CASE("method::Greedy: other fusions, shared encoders and settings out of range are refused", "[method]") {
  const auto late = double_student(2, "late");
  CHECK(
      thrown<g2d::ConfigError>([&] { GreedyStep(*late, greedy()); }) ==
      "g2d: method::Greedy: expected a student whose modalities gate each other, got another fusion; choose the fusion "
      "cross-excitation");
  const g2d::Encoder shared = linear_tanh(input_width, width);
  const auto twins = make_student({shared, shared}, num_classes, "cross-excitation");
  CHECK(thrown<g2d::ConfigError>([&] { GreedyStep(*twins, greedy()); }) ==
        "g2d: method::Greedy: expected an encoder for each modality, got one that \"audio\" and \"image\" share; give "
        "each its own");
  CHECK(thrown<g2d::ConfigError>([] { method::Greedy({.threshold = -0.1}); }) ==
        "g2d: method::Greedy: expected threshold >= 0, got -0.1");
  CHECK(thrown<g2d::ConfigError>([] { method::Greedy({.window = 0}); }) ==
        "g2d: method::Greedy: expected window >= 1, got 0");
}
