// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <cmath>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <g2d/io/safetensors.hpp>
#include <g2d/io/weights.hpp>
#include <g2d/teacher/confidence_report.hpp>
#include <g2d/teacher/measure_confidence.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/teacher/teacher_source.hpp>
#include <g2d/train/cross_fit.hpp>
#include <g2d/train/train_teacher.hpp>

#include "support/snapshot.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include "train/small_teachers.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using Task = g2d::task::Classification;
using g2d::TeacherCache;

/// Remembers the ids of the samples that it is trained on and judged by: an id is the first number of an input.
struct Witness : torch::nn::Module {
  explicit Witness(std::set<std::int64_t>& trained, std::set<std::int64_t>& judged)
      : linear(register_module("linear", torch::nn::Linear(2, 2))), trained_on(trained), judged_by(judged) {}
  at::Tensor forward(const at::Tensor& x) {
    auto& ids = is_training() ? trained_on : judged_by;
    for (std::int64_t i = 0; i < x.size(0); ++i) ids.insert(x[i][0].item<std::int64_t>());
    return linear(x);
  }
  [[nodiscard]] std::int64_t feature_width() const { return 2; }

  torch::nn::Linear linear;
  std::set<std::int64_t>& trained_on;
  std::set<std::int64_t>& judged_by;
};

}  // namespace

TEST_CASE("Teacher: is frozen, and stays in evaluation mode whatever is done to its module", "[teacher]") {
  torch::manual_seed(1);
  const auto model = unimodal("audio");
  const auto teacher = g2d::Teacher::of(model);
  CHECK_FALSE(model->is_training());
  for (const auto& parameter : model->parameters()) CHECK_FALSE(parameter.requires_grad());
  const auto input = torch::randn({6, input_width}).requires_grad_();
  const auto first = teacher(input);
  const auto before = snapshot(*model);
  model->train();
  CHECK(torch::equal(teacher(input).logits, first.logits));
  dynamic_cast<NormDropout&>(*model->encoder(0).module()).norm->train();
  const auto again = teacher(input);
  CHECK(torch::equal(again.logits, first.logits));
  CHECK(torch::equal(again.features, first.features));
  CHECK(changed(before, *model).empty());
  CHECK_FALSE(first.logits.requires_grad());
  CHECK_FALSE(first.features.requires_grad());
  CHECK(first.features.sizes() == at::IntArrayRef{6, 3});
  CHECK(first.logits.sizes() == at::IntArrayRef{6, num_classes});
  CHECK(torch::allclose(first.logits, model->forward(std::vector<g2d::Input>{input})));
}

TEST_CASE("Teacher: any module, and the function that runs it", "[teacher]") {
  torch::manual_seed(1);
  const auto layers = std::make_shared<torch::nn::LinearImpl>(input_width, 5);
  const auto forward = [layers](const g2d::Input& input) {
    const auto features = layers->forward(input.values).tanh();
    return g2d::Teacher::Output{features, features.narrow(1, 0, 2)};
  };
  CHECK(g2d::Teacher(layers, forward, 5, 2)(torch::randn({3, input_width})).features.size(1) == 5);
  CHECK(thrown<g2d::ShapeError>([&] { (void)g2d::Teacher(layers, forward, 4, 2)(torch::randn({3, input_width})); }) ==
        "g2d: Teacher: features: expected [3, 4], got [3, 5]");
  CHECK(thrown<g2d::ShapeError>([&] { (void)g2d::Teacher(layers, forward, 5, 3)(torch::randn({3, input_width})); }) ==
        "g2d: Teacher: logits: expected [3, 3], got [3, 2]");
  CHECK(thrown<g2d::ConfigError>([&] { (void)g2d::Teacher(nullptr, forward, 5, 2); }) ==
        "g2d: Teacher: expected a module, got none");
}

TEST_CASE("Teacher: models that cannot teach one modality are refused", "[teacher]") {
  CHECK(thrown<g2d::ConfigError>([] { (void)g2d::Teacher::of(norm_dropout_student(1)); }) ==
        "g2d: Teacher: expected a model of one modality, got 2 (audio, image)");
  CHECK(thrown<g2d::ConfigError>([] { (void)g2d::Teacher::of(std::shared_ptr<g2d::UnimodalModel>()); }) ==
        "g2d: Teacher: expected a model, got none");
  const auto audio = g2d::Teacher::of(unimodal("audio"));
  const auto image = g2d::Teacher::of(unimodal("image", 4));
  CHECK(thrown<g2d::ConfigError>([&] { (void)g2d::Teachers(names(2), {audio}); }) ==
        "g2d: Teachers: expected 2 teachers (audio, image), got 1");
  CHECK(thrown<g2d::ConfigError>([&] { (void)g2d::Teachers(names(2), {audio, image}); }) ==
        "g2d: Teachers: modality \"image\": expected 3 outputs as teacher \"audio\", got 4");
}

TEST_CASE("make_unimodal_model: its head follows the encoder's dtype", "[teacher]") {
  const auto encoder = std::make_shared<NormDropout>(input_width);
  encoder->to(at::kDouble);
  const auto model = g2d::make_unimodal_model("audio", encoder, num_classes);
  CHECK(model->forward(std::vector<g2d::Input>{torch::randn({4, input_width}, at::kDouble)}).scalar_type() ==
        at::kDouble);
}

TEST_CASE("make_unimodal_model: a norm layer counts its batches in whole numbers, as Python's does", "[teacher]") {
  const auto encoder = std::make_shared<NormDropout>(input_width);
  const auto model = g2d::make_unimodal_model("audio", encoder, num_classes);
  CHECK(encoder->norm->num_batches_tracked.scalar_type() == at::kLong);
  const TemporaryFolder folder;
  g2d::io::save_weights(*model, folder / "audio.safetensors");
  const auto saved = g2d::io::read_safetensors(folder / "audio.safetensors");
  CHECK(saved["encoders.audio.norm.num_batches_tracked"].scalar_type() == at::kLong);
}

TEST_CASE("Teacher: leaves nothing in the student that it taught, nor in its file", "[teacher]") {
  const auto train = blobs(32, 0);
  const auto teachers = make_teachers();
  const auto cache = TeacherCache::precompute(teachers, train, Task());
  const auto student = norm_dropout_student(2);
  const auto names_before = student->named_parameters().keys();
  const auto teacher_before = snapshot(*teachers[0].module());
  auto online = make_trainer(*student, g2d_method(), {.num_epochs = 3, .batch_size = 8},
                             g2d::online(teachers, Task(), cache.confidence()));
  (void)online.fit(train, train);
  CHECK(student->named_parameters().keys() == names_before);
  std::set<at::TensorImpl*> taught;
  for (std::size_t m = 0; m < 2; ++m) {
    for (const auto& parameter : teachers[m].module()->parameters()) {
      taught.insert(parameter.unsafeGetTensorImpl());
      CHECK_FALSE(parameter.grad().defined());
    }
  }
  for (const auto& parameter : student->parameters()) CHECK(taught.count(parameter.unsafeGetTensorImpl()) == 0);
  for (const auto& group : online.step().parameter_groups()) {
    for (const auto& parameter : group.parameters) CHECK(taught.count(parameter.unsafeGetTensorImpl()) == 0);
  }
  CHECK(changed(teacher_before, *teachers[0].module()).empty());

  const TemporaryFolder folder;
  g2d::io::save_weights(*student, folder / "student.safetensors");
  const auto saved = g2d::io::read_safetensors(folder / "student.safetensors").keys();
  const auto untaught = g2d::io::state_of(*norm_dropout_student(3)).keys();
  CHECK(std::set(saved.begin(), saved.end()) == std::set(untaught.begin(), untaught.end()));
}

TEST_CASE("Trainer: teachers that are not finite for one sample cost its step, and nothing else",
          "[teacher][trainer]") {
  const auto train = blobs(48, 0);
  const auto cache = TeacherCache::precompute(make_teachers(), train, Task());
  auto source = cache.source();
  source.outputs = [&cache](const g2d::Batch& batch) {
    auto outputs = cache.outputs(batch);
    outputs.logits[1] = outputs.logits[1].masked_fill(batch.sample_ids.eq(13).unsqueeze(1), std::nan(""));
    return outputs;
  };
  const auto student = norm_dropout_student(2);
  const auto history =
      make_trainer(*student, g2d_method(), {.num_epochs = 3, .batch_size = 8}, source).fit(train, train);
  for (const auto& epoch : history.epochs) {
    CHECK(epoch.num_skipped == 1);
    for (const auto& loss : epoch.losses) CHECK(std::isfinite(loss.second));
  }
  for (const auto& tensor : student->parameters()) CHECK(tensor.isfinite().all().item<bool>());
  for (const auto& tensor : student->buffers()) CHECK(tensor.isfinite().all().item<bool>());
}

TEST_CASE("Trainer: a method that distils wants teachers that fit", "[teacher][trainer]") {
  const auto train = blobs(24, 0);
  const auto cache = TeacherCache::precompute(make_teachers(), train, Task());
  const auto student = norm_dropout_student(2);
  const auto refusal = [&](std::optional<g2d::TeacherSource> source) {
    return thrown<g2d::ConfigError>(
        [&] { (void)make_trainer(*student, g2d_method(), {.num_epochs = 3}, std::move(source)); });
  };
  CHECK_THAT(refusal(std::nullopt), Contains("this method distils from teachers, got none"));
  auto wide = cache.source();
  wide.summary.feature_widths[1] = 5;
  CHECK_THAT(refusal(wide), Contains("image"));
  auto more = cache.source();
  more.summary.num_outputs = 4;
  CHECK_THAT(refusal(more), Contains("expected teachers with the student's 3 outputs, got 4"));
}

TEST_CASE("Teachers: their names go with them, and other modalities than theirs are refused", "[teacher][confidence]") {
  const auto teachers = make_teachers();
  CHECK(teachers.summary({}).names == names(2));
  const auto train = blobs(12, 0);
  const g2d::data::InMemory turned(g2d::ModalityNames{"image", "audio"}, train.all().inputs, train.targets());
  CHECK(thrown<g2d::ConfigError>([&] { (void)g2d::measure_confidence(teachers, turned, Task()); }) ==
        "g2d: measure_confidence: expected a dataset of the teachers' modalities (audio, image), got (image, audio)");
  const g2d::fusion::Late late(g2d::FusionShape(turned.names(), {3, 3}, num_classes));
  g2d::AnyStudent student(late, norm_dropout_encoders(2), g2d::readout::Auto());
  const auto refusal = [&](g2d::TeacherSource source) {
    return thrown<g2d::ConfigError>(
        [&] { (void)make_trainer(student, g2d_method(), {.num_epochs = 3}, std::move(source)); });
  };
  const std::string expected =
      "g2d: Step: expected teachers of the student's modalities (image, audio), got (audio, image)";
  CHECK(refusal(g2d::online(teachers, Task(), {0.5, 0.6})) == expected);
  const auto cache = TeacherCache::precompute(teachers, train, Task());
  CHECK(refusal(cache.source()) == expected);
}

TEST_CASE("train_teacher: trains one modality, selects by validation, freezes", "[teacher]") {
  const auto train = blobs(60, 0);
  const auto validation = blobs(45, 1);
  torch::manual_seed(1);
  g2d::TrainerOptions options{.num_epochs = 15, .batch_size = 8};
  options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05};
  const auto trained = g2d::train_teacher(std::make_shared<NormDropout>(input_width), train, validation, 1, Task(),
                                          num_classes, options);
  CHECK(trained.model->names() == g2d::ModalityNames{"image"});
  CHECK(trained.validation.fused[0].value > 0.7);
  CHECK(trained.validation.loss ==
        trained.history.epochs[static_cast<std::size_t>(*trained.history.best_epoch)].validation.loss);
  CHECK_FALSE(trained.model->is_training());
  for (const auto& parameter : trained.model->parameters()) CHECK_FALSE(parameter.requires_grad());
  const auto& image = validation.all().inputs[1];
  CHECK(torch::equal(trained.teacher(image).logits, trained.model->forward(std::vector<g2d::Input>{image})));
}

TEST_CASE("cross_fitted_confidence: judges every sample by a teacher that has never seen it", "[teacher][confidence]") {
  constexpr std::int64_t samples = 23;
  constexpr std::size_t folds = 3;
  torch::manual_seed(1);
  const auto ids = torch::arange(samples).to(at::kFloat);
  const auto input = torch::stack({ids, ids.mul(0.1)}, 1);
  const g2d::data::InMemory train(names(2), {input, input}, torch::arange(samples).remainder(2));
  std::vector<std::set<std::int64_t>> trained(2 * folds);
  std::vector<std::set<std::int64_t>> judged(2 * folds);
  std::size_t made = 0;
  const auto make_encoder = [&](std::size_t) {
    const auto witness = std::make_shared<Witness>(trained.at(made), judged.at(made));
    ++made;
    return g2d::Encoder(witness);
  };
  const auto rho = g2d::cross_fitted_confidence(make_encoder, train, Task(), 2, {.num_epochs = 2, .batch_size = 4},
                                                static_cast<std::int64_t>(folds));
  CHECK(rho.size() == 2);
  REQUIRE(made == 2 * folds);
  for (std::size_t m = 0; m < 2; ++m) {
    std::set<std::int64_t> all_judged;
    std::size_t num_judged = 0;
    for (std::size_t i = m; i < made; i += 2) {  // fold by fold, modality by modality
      for (const auto id : judged[i]) CHECK(trained[i].count(id) == 0);
      CHECK(trained[i].size() + judged[i].size() == samples);
      all_judged.insert(judged[i].begin(), judged[i].end());
      num_judged += judged[i].size();
    }
    CHECK(all_judged.size() == samples);
    CHECK(num_judged == samples);
  }
}

TEST_CASE("cross_fitted_confidence: samples that lack a modality do not count for it", "[teacher][confidence]") {
  torch::manual_seed(1);
  const auto labels = torch::arange(40).remainder(2);
  const auto input = labels.to(at::kFloat).mul(6.0).sub(3.0).unsqueeze(1);
  const auto has_audio = torch::arange(40).lt(20);
  const g2d::data::InMemory train(names(2), {input, input}, labels, {},
                                  torch::stack({has_audio, torch::ones_like(has_audio)}, 1));
  g2d::TrainerOptions options{.num_epochs = 20, .batch_size = 8};
  options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.05};
  const auto rho = g2d::cross_fitted_confidence([](std::size_t) { return g2d::Encoder(linear_tanh(1, 4)); }, train,
                                                Task(), 2, options);
  CHECK(rho[0] > 0.9);  // without audio a teacher can but guess: over all samples it would be 0.75 or so
  CHECK(rho[1] > 0.9);
}

TEST_CASE("cross_fitted_confidence: what is learnt by heart does not count", "[teacher][confidence]") {
  torch::manual_seed(1);
  const auto inputs = torch::randn({40, 30});
  const g2d::data::InMemory train(names(1), {inputs}, torch::randint(0, 2, {40}));  // labels that say nothing
  g2d::TrainerOptions options{.num_epochs = 40, .batch_size = 8, .selection = g2d::Selection::Last};
  options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.02, .weight_decay = 0.0};
  const auto make_encoder = [](std::size_t) { return g2d::Encoder(linear_tanh(30, 16)); };
  const auto by_heart = g2d::train_teacher(make_encoder(0), train, train, 0, Task(), 2, options);
  const g2d::Teachers teachers(names(1), {by_heart.teacher});
  const double on_training_samples = TeacherCache::precompute(teachers, train, Task()).confidence()[0];
  const double cross_fitted = g2d::cross_fitted_confidence(make_encoder, train, Task(), 2, options)[0];
  CHECK(on_training_samples > 0.95);
  CHECK(cross_fitted < 0.75);
}

TEST_CASE("cross_fitted_confidence: numbers of folds that leave nothing to train on are refused",
          "[teacher][confidence]") {
  const auto train = blobs(10, 0, 1);
  const auto folds = [&](std::int64_t num_folds) {
    return thrown<g2d::ConfigError>([&] {
      (void)g2d::cross_fitted_confidence([](std::size_t) { return g2d::Encoder(linear_tanh(input_width, 3)); }, train,
                                         Task(), num_classes, {}, num_folds);
    });
  };
  CHECK(folds(1) == "g2d: cross-fitting: expected 2 to 5 folds for 10 samples, got 1");
  CHECK(folds(6) == "g2d: cross-fitting: expected 2 to 5 folds for 10 samples, got 6");
  CHECK(folds(5) == "nothing was thrown");
}

TEST_CASE("ConfidenceReport: tells when two measures rank the modalities differently", "[teacher][confidence]") {
  using g2d::ConfidenceMeasure;
  g2d::ConfidenceReport report(names(3));
  CHECK_FALSE(report.disagreement());
  report.add(ConfidenceMeasure::Training, {0.9, 0.8, 0.95});
  CHECK_FALSE(report.disagreement());
  CHECK(report.order(report.at(ConfidenceMeasure::Training)) == "image < audio < text");
  report.add(ConfidenceMeasure::HeldOut, {0.5, 0.4, 0.6});
  CHECK_FALSE(report.disagreement());
  report.add(ConfidenceMeasure::CrossFitted, {0.4, 0.5, 0.6});
  REQUIRE(report.disagreement());
  CHECK_THAT(*report.disagreement(),
             Contains("image < audio < text by training samples, audio < image < text by cross-fitted"));
  CHECK(report.entries().size() == 3);
  CHECK(report.at(ConfidenceMeasure::HeldOut)[2] == 0.6);
  CHECK(thrown<g2d::ConfigError>([] { (void)g2d::ConfidenceReport(names(1)).at(ConfidenceMeasure::HeldOut); }) ==
        "g2d: ConfidenceReport: expected the measure \"held-out\" to be known, got none");
}

TEST_CASE("ConfidenceReport: ranks numbers alone, one for each modality", "[teacher][confidence]") {
  using g2d::ConfidenceMeasure;
  const double nan = std::nan("");
  g2d::ConfidenceReport report(names(2));
  CHECK(thrown<g2d::ConfigError>([&] { report.add(ConfidenceMeasure::HeldOut, {0.5, nan}); }) ==
        "g2d: ConfidenceReport: held-out: modality \"image\": expected its teacher's confidence to be a number, got "
        "nan; measure it on "
        "samples that have the modality");
  CHECK(thrown<g2d::ConfigError>([&] { report.add(ConfidenceMeasure::Training, {0.5}); }) ==
        "g2d: ConfidenceReport: training: expected the teachers' confidence of 2 modalities (audio, image), got 1; "
        "give one for each "
        "modality");
  CHECK(report.entries().empty());
  CHECK_THAT(thrown<g2d::ConfigError>([&] { (void)report.order({nan, 0.5}); }),
             Contains("g2d: ConfidenceReport: order: modality \"audio\": expected its teacher's confidence to be a "
                      "number, got nan"));
}
