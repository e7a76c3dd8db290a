// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

// Samples that lack a modality influence nothing that belongs to it: no norm statistics, no teacher, no mean.

#include <torch/torch.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/teacher/measure_confidence.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/cross_fit.hpp>
#include <g2d/train/detail/loss_meter.hpp>
#include <g2d/train/train_teacher.hpp>

#include "support/snapshot.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using Task = g2d::task::Classification;
namespace data = g2d::data;

constexpr std::int64_t num_samples = 9;
const double not_a_number = std::nan("");

/// An encoder with norm layers, and an input that it takes.
struct Case {
  std::string name;
  std::shared_ptr<g2d::AnyStudent> student;
  g2d::Input input;
};

std::vector<Case> cases() {
  std::vector<Case> all;
  const auto add = [&](const char* name, const g2d::Encoder& encoder, g2d::Input input) {
    all.push_back(
        {name,
         make_student({encoder, std::make_shared<g2d::encoder::Mlp>(g2d::encoder::MlpOptions{.in_features = 2})}, 3),
         std::move(input)});
    all.back().student->train();
  };
  torch::manual_seed(3);
  const auto images = torch::randn({num_samples, 1, 16, 16}) + 3;
  add("NormDropout", std::make_shared<NormDropout>(4, 3, 0.0), torch::randn({num_samples, 4}) + 2);
  add("TinyConv", std::make_shared<TinyConv>(), images);
  add("SmallCnn", std::make_shared<g2d::encoder::SmallCnn>(), images);
  add("ResNet18", std::make_shared<g2d::encoder::ResNet18>(g2d::encoder::ResNet18Options{.in_channels = 1}), images);
  add("SequenceMean", std::make_shared<SequenceMean>(4),
      {torch::randn({num_samples, 5, 4}), torch::arange(num_samples).remainder(5).add(1)});
  return all;
}

/// bool [N, 2]: these samples have both modalities, the others only the second.
at::Tensor having(const at::Tensor& rows) {
  auto present = torch::zeros({num_samples, 2}, torch::kBool);
  present.select(1, 1).fill_(true);
  present.select(1, 0).index_fill_(0, rows, true);
  return present;
}

g2d::Input rows_of(const g2d::Input& input, const at::Tensor& rows) {
  return {input.values.index_select(0, rows),
          input.lengths.defined() ? input.lengths.index_select(0, rows) : at::Tensor()};
}

g2d::Input poisoned(const g2d::Input& input, const at::Tensor& rows) {
  auto values = torch::full_like(input.values, not_a_number);
  values.index_copy_(0, rows, input.values.index_select(0, rows));
  return {values, input.lengths};
}

/// What encoding in training mode gives and leaves behind.
struct Encoded {
  at::Tensor features;
  Snapshot buffers;
  std::vector<at::Tensor> gradients;
};

template <class Encode>
Encoded encoded(const Case& of, const Encode& encode) {
  auto& encoder = *of.student->encoder(0).module();
  std::vector<at::Tensor> before;
  for (const auto& buffer : encoder.buffers()) before.push_back(buffer.clone());
  const auto features = encode();
  features.square().sum().backward();
  Encoded result{features.detach(), snapshot(encoder), {}};
  for (auto& parameter : encoder.parameters()) {
    if (parameter.grad().defined()) result.gradients.push_back(parameter.grad().clone());
    parameter.mutable_grad().reset();
  }
  const at::NoGradGuard no_grad;
  auto buffers = encoder.buffers();
  for (std::size_t i = 0; i < buffers.size(); ++i) buffers[i].copy_(before[i]);
  return result;
}

data::InMemory blobs_lacking(std::int64_t count, std::uint64_t split, const at::Tensor& lacks_image) {
  const auto full = blobs(count, split).all();
  auto inputs = full.inputs;
  inputs[1].values = inputs[1].values.masked_fill(lacks_image.unsqueeze(1), not_a_number);
  return data::InMemory(names(2), std::move(inputs), full.target, full.sample_ids,
                        torch::stack({torch::ones_like(lacks_image), lacks_image.logical_not()}, 1));
}

}  // namespace

TEST_CASE("Student: an encoder in training is given the samples alone that have its modality", "[student][presence]") {
  for (const auto& each : cases()) {
    for (const auto& rows : {torch::tensor({0, 3, 4, 8}), torch::tensor({1, 2}), torch::tensor({5})}) {
      INFO(each.name << " on " << rows.size(0) << " samples");
      const bool is_refused_alone = each.name == "NormDropout" || each.name == "ResNet18";
      if (rows.size(0) == 1 && is_refused_alone) continue;
      const auto alone = encoded(each, [&] { return each.student->encode(0, rows_of(each.input, rows)); });
      const auto beside =
          encoded(each, [&] { return each.student->encode(0, poisoned(each.input, rows), having(rows)); });
      CHECK(torch::equal(beside.features.index_select(0, rows), alone.features));
      CHECK(beside.features.index_fill(0, rows, 0.0).eq(0.0).all().item<bool>());
      CHECK(beside.buffers == alone.buffers);
      REQUIRE(beside.gradients.size() == alone.gradients.size());
      for (std::size_t i = 0; i < alone.gradients.size(); ++i)
        CHECK(torch::allclose(beside.gradients[i], alone.gradients[i], 1e-5, 1e-6));
    }
  }
}

TEST_CASE("Student: a mask under which nothing is absent changes no bit", "[student][presence]") {
  for (const auto& each : cases()) {
    INFO(each.name);
    const auto all = torch::arange(num_samples);
    const auto plain = encoded(each, [&] { return each.student->encode(0, each.input); });
    const auto masked = encoded(each, [&] { return each.student->encode(0, each.input, having(all)); });
    CHECK(torch::equal(masked.features, plain.features));
    CHECK(masked.buffers == plain.buffers);
    for (std::size_t i = 0; i < plain.gradients.size(); ++i)
      CHECK(torch::equal(masked.gradients[i], plain.gradients[i]));
  }
}

TEST_CASE("Student: one sample alone is encoded by running statistics where a norm layer takes no others",
          "[student][presence]") {
  for (const auto& each : cases()) {
    if (each.name != "NormDropout" && each.name != "ResNet18") continue;
    INFO(each.name);
    const auto row = torch::tensor({6});
    auto& encoder = *each.student->encoder(0).module();
    const auto before = snapshot(encoder);
    const auto beside = encoded(each, [&] { return each.student->encode(0, poisoned(each.input, row), having(row)); });
    CHECK(beside.buffers == before);
    CHECK(encoder.is_training());
    for (const auto& child : encoder.modules()) CHECK(child->is_training());
    CHECK(beside.features.isfinite().all().item<bool>());
    CHECK(beside.features[6].abs().sum().item<double>() > 0.0);
    each.student->eval();
    const auto running = each.student->encode(0, rows_of(each.input, row));
    each.student->train();
    CHECK(torch::allclose(beside.features[6], running[0], 1e-5, 1e-6));
  }
}

TEST_CASE("Student: an encoder that no sample of a batch needs is not run", "[student][presence]") {
  for (const auto& each : cases()) {
    INFO(each.name);
    auto& encoder = *each.student->encoder(0).module();
    const auto before = snapshot(encoder);
    const auto nobody = torch::zeros({0}, torch::kLong);
    const auto features = each.student->encode(0, poisoned(each.input, nobody), having(nobody));
    CHECK(torch::equal(features, torch::zeros({num_samples, each.student->encoder(0).feature_width()})));
    CHECK(snapshot(encoder) == before);
  }
}

TEST_CASE("Student: an input that fits nowhere is refused, one sample alone included", "[student][presence]") {
  const auto all = cases();
  const auto row = torch::tensor({2});
  const g2d::Input narrow(torch::zeros({num_samples, 3}));
  CHECK_THAT(thrown<g2d::ShapeError>([&] { (void)all[0].student->encode(0, narrow, having(row)); }),
             Contains("the encoder cannot take an input of shape [1, 3]"));
  for (const auto& child : all[0].student->encoder(0).module()->modules()) CHECK(child->is_training());
}

TEST_CASE("Trainer: norm statistics are calibrated on the samples alone that have the modality",
          "[trainer][calibration][presence]") {
  const auto lacks = torch::arange(24).remainder(3).eq(0);
  const auto train = blobs_lacking(24, 0, lacks);
  const auto student = norm_dropout_student(3);
  auto& image = norm_dropout(*student, 1);
  auto mean = torch::zeros({4});
  const auto batches = data::shuffled_batches(24, 8, 0, 0);
  for (const auto& rows : batches) {
    const at::NoGradGuard no_grad;
    const auto has = rows.masked_select(lacks.logical_not().index_select(0, rows));
    mean += image.first(train.batch(has).inputs[1].values).mean(0) / static_cast<double>(batches.size());
  }
  const auto history =
      make_trainer(*student, in_stages({1, 0, 0}), {.num_epochs = 1, .batch_size = 8}).fit(train, blobs(12, 1));
  CHECK(history.calibrated == std::vector<std::string>{"image"});
  CHECK(torch::allclose(image.norm->running_mean, mean, 1e-5, 1e-6));
}

TEST_CASE("train_teacher: samples that lack its modality neither train, nor select, nor judge a teacher",
          "[teacher][presence]") {
  const auto lacks = torch::arange(60).remainder(5).lt(2), lacks_later = torch::arange(30).remainder(2).eq(1);
  const auto train = blobs_lacking(60, 0, lacks), validation = blobs_lacking(30, 1, lacks_later);
  const auto rows = lacks.logical_not().nonzero().squeeze(1);
  const auto later_rows = lacks_later.logical_not().nonzero().squeeze(1);
  const auto teach = [](const auto& samples, const auto& later) {
    torch::manual_seed(4);
    const g2d::TrainerOptions options{.num_epochs = 4, .batch_size = 8, .seed = 2};
    return g2d::train_teacher(std::make_shared<NormDropout>(input_width), samples, later, 1, Task(), num_classes,
                              options);
  };
  const auto beside = teach(train, validation);
  const auto alone = teach(train.subset(rows), validation.subset(later_rows));
  CHECK(snapshot(*beside.model) == snapshot(*alone.model));
  CHECK(beside.validation.num_samples == later_rows.size(0));
  CHECK(beside.validation.loss == alone.validation.loss);
  CHECK(beside.history.best_epoch == alone.history.best_epoch);
  REQUIRE(beside.history.epochs.size() == 4);
  CHECK(beside.history.epochs[0].num_samples == rows.size(0));
  CHECK(beside.history.epochs[3].losses == alone.history.epochs[3].losses);

  // A dataset as a user writes it tells by its batches.
  const LazyDataset lazy{.samples = train}, lazy_later{.samples = validation};
  CHECK(snapshot(*teach(lazy, lazy_later).model) == snapshot(*alone.model));

  const auto nobody = blobs_lacking(12, 0, torch::ones({12}, torch::kBool));
  CHECK(thrown<g2d::DataError>([&] { (void)teach(nobody, validation); }) ==
        "g2d: train_teacher: modality \"image\": expected training samples that have it, got none; leave the modality "
        "out, or split the data anew");
  CHECK_THAT(thrown<g2d::DataError>([&] { (void)teach(train, nobody); }), Contains("expected validation samples"));
}

TEST_CASE("cross_fitted_confidence: is that of the samples that have the modality", "[teacher][presence]") {
  const auto lacks = torch::arange(40).remainder(4).eq(0);
  const auto train = blobs_lacking(40, 0, lacks);
  const auto make = [](std::size_t) {
    torch::manual_seed(5);
    return std::make_shared<NormDropout>(input_width);
  };
  // What a sample without the modality would be judged by: NaN.
  const auto rho = g2d::cross_fitted_confidence(make, train, Task(), num_classes, {.num_epochs = 2, .batch_size = 8});
  CHECK((rho[1] > 0.0 && rho[1] < 1.0));
}

TEST_CASE("confidence: a teacher that has diverged is refused, not taken for one whose modality is absent",
          "[teacher][presence]") {
  const auto lacks = torch::arange(12).remainder(4).eq(0);
  const auto samples = blobs_lacking(12, 0, lacks);
  const auto model = [](std::size_t m, double scale) {
    auto made = g2d::make_unimodal_model(names(2)[m], std::make_shared<NormDropout>(input_width), num_classes);
    for (auto& parameter : made->parameters()) parameter.detach().mul_(scale);
    return g2d::Teacher::of(made);
  };
  const g2d::Teachers diverged(names(2), {model(0, 1.0), model(1, not_a_number)});
  const std::string expected =
      "modality \"image\": expected a teacher whose outputs are numbers, got nan; it has diverged: train it again, "
      "with "
      "a smaller learning rate";
  CHECK(thrown<g2d::DataError>([&] { (void)g2d::measure_confidence(diverged, samples, Task()); }) ==
        "g2d: measure_confidence: " + expected);
  CHECK(thrown<g2d::DataError>([&] { (void)g2d::TeacherCache::precompute(diverged, samples, Task()); }) ==
        "g2d: TeacherCache: " + expected);

  const g2d::Teachers good(names(2), {model(0, 1.0), model(1, 1.0)});
  const auto nobody = blobs_lacking(12, 0, torch::ones({12}, torch::kBool));
  const auto cache = g2d::TeacherCache::precompute(good, nobody, Task());
  CHECK(std::isnan(cache.confidence()[1]));
  CHECK(std::isnan(g2d::measure_confidence(good, nobody, Task())[1]));
  CHECK(cache.outputs(nobody.all()).confidence.select(1, 1).abs().sum().item<double>() == 0.0);
}

TEST_CASE("evaluate: no sample gives no number", "[evaluate][presence]") {
  const auto nobody = blobs_lacking(6, 0, torch::ones({6}, torch::kBool));
  const data::SingleModality image(nobody, 1);
  CHECK(image.size() == 0);
  const auto model = g2d::make_unimodal_model("image", std::make_shared<NormDropout>(input_width), num_classes);
  const auto evaluation = g2d::evaluate(*model, image, Task());
  CHECK(evaluation.num_samples == 0);
  CHECK(std::isnan(evaluation.loss));
  CHECK(std::isnan(evaluation.score()));
  CHECK(evaluation.fused[0].name == "accuracy");
  CHECK(std::isnan(evaluation.unimodal_confidence[0]));
}

TEST_CASE("LossMeter: an epoch's loss is the mean over its samples, a modality's over those that have it",
          "[trainer][presence]") {
  const auto step = [](std::int64_t size, double total, double feature, const at::Tensor& present, bool is_skipped) {
    g2d::StepResult result;
    result.total = torch::tensor(total);
    result.terms.push_back({"feature", std::size_t{1}, torch::tensor(feature), 1.0});
    result.fused = torch::zeros({size, 3});
    result.is_skipped = torch::tensor(is_skipped ? 1.0F : 0.0F);
    result.present = present;
    return result;
  };
  const auto lacking = [](std::int64_t size, std::int64_t count) {
    auto present = torch::ones({size, 2}, torch::kBool);
    present.select(1, 1).narrow(0, 0, count).fill_(false);
    return present;
  };
  g2d::detail::LossMeter meter;
  meter.add(step(8, 1.0, 4.0, {}, false), names(2));
  meter.add(step(8, 3.0, 2.0, lacking(8, 4), false), names(2));
  meter.add(step(8, not_a_number, not_a_number, lacking(8, 1), true), names(2));
  meter.add(step(2, 9.0, 0.0, lacking(2, 2), false), names(2));
  const auto means = meter.means();
  CHECK(meter.num_skipped() == 1);
  CHECK(means[0].first == "total");
  CHECK(means[0].second == Approx((8 * 1.0 + 8 * 3.0 + 2 * 9.0) / 18));
  CHECK(means[1].first == "feature.image");
  CHECK(means[1].second == Approx((8 * 4.0 + 4 * 2.0) / 12));
}

TEST_CASE("Trainer: the loss of an epoch counts a short last batch by its samples", "[trainer]") {
  const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
  const auto train = blobs(19, 0);
  const auto expected = g2d::evaluate(*student, train, Task()).loss;
  g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8};
  options.optimizer = g2d::optimizer::Sgd{.learning_rate = 1e-12, .momentum = 0.0, .weight_decay = 0.0};
  const auto history = make_trainer(*student, joint(), options).fit(train, blobs(6, 1));
  CHECK(history.epochs[0].losses[0].second == Approx(expected));
}
