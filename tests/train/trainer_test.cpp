// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include <g2d/data/single_modality.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/method/mses.hpp>
#include <g2d/schedule/batchwise.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>
#include <g2d/task/multi_label.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/train/trainer.hpp>

#include "support/snapshot.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using g2d::suppression::NormStatistics;

bool all_finite(const torch::nn::Module& module) {
  for (const auto& tensor : module.parameters()) {
    if (!tensor.isfinite().all().item<bool>()) return false;
  }
  for (const auto& tensor : module.buffers()) {
    if (!tensor.isfinite().all().item<bool>()) return false;
  }
  return true;
}

std::vector<bool> modes(const torch::nn::Module& module) {
  std::vector<bool> modes{module.is_training()};
  for (const auto& child : module.modules(/*include_self=*/false)) modes.push_back(child->is_training());
  return modes;
}

/// All that a history says, but for the seconds.
std::vector<double> figures(const g2d::History& history) {
  std::vector<double> all;
  for (const auto& epoch : history.epochs) {
    for (const auto& loss : epoch.losses) all.push_back(loss.second);
    all.push_back(epoch.validation.loss);
    for (const auto& metric : epoch.validation.fused) all.push_back(metric.value);
    for (const auto& metrics : epoch.validation.unimodal) all.push_back(metrics[0].value);
  }
  return all;
}

std::vector<std::string> stages(const g2d::History& history) {
  std::vector<std::string> stages;
  for (const auto& epoch : history.epochs) stages.push_back(epoch.stage);
  return stages;
}

struct Run {
  Snapshot weights;
  std::vector<double> history;
};

Run run_once(std::uint64_t data_seed) {
  const auto student = norm_dropout_student(5);
  g2d::TrainerOptions options{.num_epochs = 4, .batch_size = 8, .seed = data_seed};
  options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.01};
  auto trainer = make_trainer(*student, in_stages({1, 1, 2}), options);
  const auto history = trainer.fit(blobs(40, 0), blobs(30, 1));
  return {snapshot(*student), figures(history)};
}

/// The snapshots of the student after each epoch.
struct EpochLog {
  std::vector<Snapshot> weights;
  std::vector<bool> is_best;
  std::int64_t epoch = 0;

  void attach(g2d::TrainerOptions& options, const g2d::AnyStudent& student) {
    options.on_epoch.push_back([this, &student](const g2d::EpochReport& report) {
      weights.push_back(snapshot(student));
      is_best.push_back(report.is_best);
      ++epoch;
    });
  }
};

/// Two norm layers, one after the other.
struct TwoNorms : torch::nn::Module {
  TwoNorms()
      : old(register_module("old", torch::nn::BatchNorm1d(input_width))),
        fresh(register_module("fresh", torch::nn::BatchNorm1d(input_width))) {}
  at::Tensor forward(const at::Tensor& x) { return fresh(old(x).mul(2.0)); }
  [[nodiscard]] std::int64_t feature_width() const { return input_width; }

  torch::nn::BatchNorm1d old;
  torch::nn::BatchNorm1d fresh;
};

[[maybe_unused]] double resident_megabytes() {
  std::ifstream stream("/proc/self/statm");
  std::int64_t total = 0;
  std::int64_t resident = 0;
  stream >> total >> resident;
  return static_cast<double>(resident * ::sysconf(_SC_PAGESIZE)) / 1e6;
}

}  // namespace

TEST_CASE("Trainer: two runs with one seed give identical bytes", "[trainer]") {
  const auto first = run_once(3);
  const auto second = run_once(3);
  CHECK(first.weights == second.weights);
  CHECK(first.history == second.history);
  CHECK(run_once(4).weights != first.weights);
}

TEST_CASE("Trainer: a student learns, and its history says how", "[trainer]") {
  const auto student = norm_dropout_student(1);
  g2d::TrainerOptions options{.num_epochs = 12, .batch_size = 8};
  options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05};
  options.learning_rate = g2d::learning_rate::step(5, 0.5);
  auto trainer = make_trainer(*student, joint(), options);
  const auto train = blobs(96, 0);
  const auto validation = blobs(60, 1);
  const auto history = trainer.fit(train, validation);
  REQUIRE(history.epochs.size() == 12);
  CHECK(history.epochs.back().validation.fused[0].value > 0.9);
  CHECK(history.epochs.back().losses[0].second < 0.7 * history.epochs[0].losses[0].second);
  CHECK(history.epochs[0].losses[0].first == "total");
  CHECK(history.epochs[0].losses[1].first == "task");
  CHECK(history.epochs[4].learning_rate == Approx(0.05));
  CHECK(history.epochs[5].learning_rate == Approx(0.025));
  CHECK(history.epochs[10].learning_rate == Approx(0.0125));
  CHECK(history.epochs[0].validation.unimodal.size() == 2);
  CHECK(history.epochs[0].validation.num_samples == 60);
  CHECK_FALSE(history.was_interrupted);
  REQUIRE(history.best_epoch);
  const auto& best = history.epochs[static_cast<std::size_t>(*history.best_epoch)];
  CHECK(g2d::evaluate(*student, validation, g2d::task::Classification()).loss == best.validation.loss);
}

TEST_CASE("Trainer: the learning rate that a schedule gives is the one that is used", "[trainer]") {
  // With plain SGD and one batch an epoch, a step is learning rate times gradient.
  const auto train = blobs(6, 0);
  const auto change = [&](const g2d::learning_rate::Schedule& schedule) {
    torch::manual_seed(2);
    const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
    const auto before = student->parameters()[0].detach().clone();
    g2d::TrainerOptions options{
        .num_epochs = 1, .batch_size = 6, .learning_rate = schedule, .selection = g2d::Selection::Last};
    options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.1, .momentum = 0.0, .weight_decay = 0.0};
    (void)make_trainer(*student, joint(), options).fit(train, train);
    return (student->parameters()[0].detach() - before).norm().item<double>();
  };
  const double whole = change(g2d::learning_rate::constant());
  CHECK(change([](std::int64_t, std::int64_t) { return 0.25; }) == Approx(0.25 * whole).epsilon(1e-3));
}

TEST_CASE("Trainer: the best validation epoch of the last stage is restored, never one of an earlier stage",
          "[trainer]") {
  const bool zeroes_gradients = GENERATE(false, true);
  INFO("suppression " << (zeroes_gradients ? "by zeroed gradients" : "complete"));
  const auto student = norm_dropout_student(4);
  EpochLog log;
  g2d::TrainerOptions options{.num_epochs = 12, .batch_size = 8};
  log.attach(options, *student);
  const std::vector<std::int64_t> stage_epochs{3, 3, 6};
  auto trainer = make_trainer(
      *student, zeroes_gradients ? in_stages<g2d::suppression::ZeroedGradients>(stage_epochs) : in_stages(stage_epochs),
      options);
  const auto samples = blobs(20, 1);
  const LazyDataset validation{.samples = samples,
                               .change = scripted_scores(*student, {19, 3, 5, 8, 2, 9, 4, 6, 6, 1, 5, 2}, log.epoch)};
  const auto history = trainer.fit(blobs(48, 0), validation);
  CHECK(history.epochs[0].validation.score() == Approx(19.0 / 20.0));
  REQUIRE(history.best_epoch);
  CHECK(*history.best_epoch == 7);
  CHECK(snapshot(*student) == log.weights[7]);
  CHECK(log.weights[7] != log.weights[8]);
  CHECK(stages(history) == std::vector<std::string>{"audio", "audio", "audio", "image", "image", "image", "all", "all",
                                                    "all", "all", "all", "all"});
  CHECK(log.is_best ==
        std::vector<bool>{true, false, false, true, false, true, true, true, false, false, false, false});
}

TEST_CASE("Trainer: a run that ends in a stage of one modality keeps that stage's best epoch", "[trainer]") {
  const auto student = norm_dropout_student(4);
  EpochLog log;
  g2d::TrainerOptions options{.num_epochs = 5, .batch_size = 8};
  log.attach(options, *student);
  const auto samples = blobs(20, 1);
  const LazyDataset validation{.samples = samples, .change = scripted_scores(*student, {9, 9, 3, 8, 5}, log.epoch)};
  const auto history = make_trainer(*student, in_stages({2, 3, 0}), options).fit(blobs(48, 0), validation);
  CHECK(history.best_epoch == 3);
  CHECK(snapshot(*student) == log.weights[3]);
}

TEST_CASE("Trainer: Selection::Last keeps the weights of the last epoch", "[trainer]") {
  const auto student = norm_dropout_student(4);
  EpochLog log;
  g2d::TrainerOptions options{.num_epochs = 3, .batch_size = 8, .selection = g2d::Selection::Last};
  log.attach(options, *student);
  const auto samples = blobs(20, 1);
  const LazyDataset validation{.samples = samples, .change = scripted_scores(*student, {5, 9, 2}, log.epoch)};
  const auto history = make_trainer(*student, joint(), options).fit(blobs(48, 0), validation);
  CHECK_FALSE(history.best_epoch);
  CHECK(snapshot(*student) == log.weights[2]);
  CHECK(log.weights[1] != log.weights[2]);
}

TEST_CASE("Trainer: every module's mode is put back, also after an error", "[trainer]") {
  const auto student = norm_dropout_student(1);
  student->eval();
  norm_dropout(*student, 0).train();
  norm_dropout(*student, 1).dropout->train();
  const auto before = modes(*student);
  const auto samples = blobs(24, 0);
  const g2d::TrainerOptions options{.num_epochs = 3, .batch_size = 8};
  auto trainer = make_trainer(*student, in_stages({1, 1, 1}), options);
  (void)trainer.fit(samples, samples);
  CHECK(modes(*student) == before);

  int calls = 0;
  const LazyDataset broken{.samples = samples, .change = [&](g2d::Batch&) {
                             if (++calls == 5) throw g2d::DataError("the disk is gone");
                           }};
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(broken, samples); }) == "the disk is gone");
  CHECK(modes(*student) == before);
}

TEST_CASE("Trainer: modules that the caller froze stay in evaluation mode and keep their bytes", "[trainer]") {
  const auto student = norm_dropout_student(1);
  for (auto& parameter : norm_dropout(*student, 0).parameters()) parameter.requires_grad_(false);
  const auto before = snapshot(norm_dropout(*student, 0));
  bool frozen_trained = false;
  bool other_trained = true;
  g2d::TrainerOptions options{.num_epochs = 2, .batch_size = 8};
  options.on_step.push_back([&](const g2d::StepReport&) {
    const auto frozen = modes(norm_dropout(*student, 0));
    const auto other = modes(norm_dropout(*student, 1));
    frozen_trained = frozen_trained || std::find(frozen.begin(), frozen.end(), true) != frozen.end();
    other_trained = other_trained && std::find(other.begin(), other.end(), false) == other.end();
  });
  const auto samples = blobs(24, 0);
  (void)make_trainer(*student, joint(), options).fit(samples, samples);
  CHECK_FALSE(frozen_trained);
  CHECK(other_trained);
  CHECK(changed(before, norm_dropout(*student, 0)).empty());
  CHECK_FALSE(norm_dropout(*student, 0).first->weight.requires_grad());
}

TEST_CASE("Trainer: a frozen encoder keeps its bytes through its frozen stages", "[trainer]") {
  const g2d::optimizer::Settings optimizer = GENERATE(
      g2d::optimizer::Settings(g2d::optimizer::Sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 0.01}),
      g2d::optimizer::Settings(g2d::optimizer::AdamW{.learning_rate = 0.01, .weight_decay = 0.1}));
  const auto student = norm_dropout_student(6);
  std::map<std::int64_t, std::vector<Snapshot>> seen;  // by epoch, after its last step
  Snapshot image_first;
  g2d::TrainerOptions options{.optimizer = optimizer, .num_epochs = 6, .batch_size = 8};
  options.on_step.push_back([&](const g2d::StepReport& report) {
    if (image_first.empty()) image_first = snapshot(norm_dropout(*student, 1));
    if (report.step == report.num_steps) {
      seen[report.epoch] = {snapshot(norm_dropout(*student, 0)), snapshot(norm_dropout(*student, 1))};
    }
  });
  const auto samples = blobs(40, 0);
  (void)make_trainer(*student, in_stages({2, 2, 2}), options).fit(samples, samples);
  CHECK(seen[0][1] == image_first);
  CHECK(seen[1][1] == image_first);
  CHECK(seen[3][1] != image_first);
  CHECK(seen[3][0] == seen[1][0]);
  CHECK(seen[1][0] != seen[0][0]);
  CHECK(seen[5][0] != seen[3][0]);
  CHECK(seen[5][1] != seen[3][1]);
}

TEST_CASE("Trainer: encoders frozen before they have learnt anything get fitted norm statistics",
          "[trainer][calibration]") {
  const auto student = norm_dropout_student(3);
  const auto train = blobs(41, 0);
  auto& image = norm_dropout(*student, 1);
  const bool limited = GENERATE(false, true);
  g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8, .seed = 9};
  if (limited) options.calibration_batches = 2;

  // Plain means over the batches of the batch's mean and unbiased variance.
  auto batches = g2d::data::shuffled_batches(41, 8, 9, 0);
  REQUIRE(batches.size() == 5);
  if (limited) batches.resize(2);
  at::NoGradGuard no_grad;
  auto mean = torch::zeros({4});
  auto variance = torch::zeros({4});
  for (const auto& rows : batches) {
    const auto hidden = image.first(train.batch(rows).inputs[1].values);
    mean += hidden.mean(0) / static_cast<double>(batches.size());
    variance += hidden.var(0, /*unbiased=*/true) / static_cast<double>(batches.size());
  }

  at::AutoGradMode gradients(true);
  const auto history = make_trainer(*student, in_stages({1, 0, 0}), options).fit(train, train);
  CHECK(history.calibrated == std::vector<std::string>{"image"});
  CHECK((image.norm->running_mean - mean).abs().max().item<double>() < 1e-5);
  CHECK((image.norm->running_var - variance).abs().max().item<double>() < 1e-5);
  CHECK(image.norm->num_batches_tracked.item<std::int64_t>() == static_cast<std::int64_t>(batches.size()));
  CHECK(image.norm->options.momentum() == 0.1);
  CHECK(norm_dropout(*student, 0).norm->num_batches_tracked.item<std::int64_t>() == 5);
  CHECK(norm_dropout(*student, 0).norm->options.momentum() == 0.1);
}

TEST_CASE("Trainer: nothing is calibrated that is trained, uses batch statistics, or is switched off",
          "[trainer][calibration]") {
  const auto train = blobs(24, 0);
  const auto fit = [&](g2d::AnyStudent& student, g2d::method::Any method, bool calibrate) {
    const g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8, .calibrate_norm_statistics = calibrate};
    return make_trainer(student, std::move(method), options).fit(train, train).calibrated;
  };
  const auto untouched = [](const g2d::AnyStudent& student) {
    const auto& norm = norm_dropout(student, 1).norm;
    return norm->running_mean.abs().max().item<double>() == 0.0 && norm->num_batches_tracked.item<std::int64_t>() == 0;
  };
  const auto off = norm_dropout_student(3);
  CHECK(fit(*off, in_stages({1, 0, 0}), false).empty());
  CHECK(untouched(*off));

  const auto batch_statistics = norm_dropout_student(3);
  const g2d::suppression::Complete by_batch({.norm_statistics = NormStatistics::Batch});
  CHECK(fit(*batch_statistics, in_stages({1, 0, 0}, by_batch), true).empty());
  CHECK(untouched(*batch_statistics));

  const auto joint_first = norm_dropout_student(3);
  CHECK(fit(*joint_first, joint(), true).empty());

  const auto trained = norm_dropout_student(3);
  norm_dropout(*trained, 1).norm->num_batches_tracked.fill_(7);
  CHECK(fit(*trained, in_stages({1, 0, 0}), true).empty());
  CHECK(norm_dropout(*trained, 1).norm->num_batches_tracked.item<std::int64_t>() == 7);
}

TEST_CASE("Trainer: calibration leaves a trained norm layer beside an untrained one alone", "[trainer][calibration]") {
  const auto two = std::make_shared<TwoNorms>();
  two->old->num_batches_tracked.fill_(7);
  two->old->running_mean.fill_(0.5);
  const auto before = snapshot(*two->old);
  const auto student = make_student({std::make_shared<NormDropout>(input_width), two}, num_classes);
  const auto train = blobs(24, 0);
  const g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8};
  const auto history = make_trainer(*student, in_stages({1, 0, 0}), options).fit(train, train);
  CHECK(history.calibrated == std::vector<std::string>{"image"});
  CHECK(changed(before, *two->old).empty());
  CHECK(two->fresh->num_batches_tracked.item<std::int64_t>() == 3);
  const auto input = torch::batch_norm(train.all().inputs[1].values, two->old->weight, two->old->bias,
                                       two->old->running_mean, two->old->running_var, false, 0.1, 1e-5, false) *
                     2.0;
  CHECK((two->fresh->running_mean - input.mean(0)).abs().max().item<double>() < 1e-5);
}

TEST_CASE("Trainer: calibration counts no batch that is not finite", "[trainer][calibration]") {
  const auto student = norm_dropout_student(3);
  const auto samples = blobs(24, 0);
  const LazyDataset train{.samples = samples, .change = poison(1, 5)};
  const g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8};
  const auto history = make_trainer(*student, in_stages({1, 0, 0}), options).fit(train, samples);
  CHECK(norm_dropout(*student, 1).norm->num_batches_tracked.item<std::int64_t>() == 2);
  CHECK(history.epochs[0].num_skipped == 1);
  CHECK(all_finite(*student));
}

TEST_CASE("Trainer: an input that an encoder cannot take changes nothing, calibration included",
          "[trainer][calibration]") {
  const auto student = norm_dropout_student(3);
  const auto before = snapshot(*student);
  const auto before_modes = modes(*student);
  const auto samples = blobs(24, 0);
  const LazyDataset narrow{.samples = samples, .change = [](g2d::Batch& batch) {
                             batch.inputs[1].values = batch.inputs[1].values.narrow(1, 0, 2);
                           }};
  const g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8};
  CHECK_THAT(thrown<g2d::ShapeError>(
                 [&] { (void)make_trainer(*student, in_stages({1, 0, 0}), options).fit(narrow, samples); }),
             Contains("g2d: Student: modality \"image\": the encoder cannot take an input of shape [8, 2]"));
  CHECK_THAT(thrown<g2d::ShapeError>([&] { (void)make_trainer(*student, joint(), options).fit(narrow, samples); }),
             Contains("modality \"image\""));
  CHECK(changed(before, *student).empty());
  CHECK(modes(*student) == before_modes);
  CHECK(norm_dropout(*student, 1).norm->options.momentum() == 0.1);
}

TEST_CASE("Trainer: a stop asked for in a step leaves the weights of that step", "[trainer]") {
  const auto student = norm_dropout_student(2);
  student->eval();
  std::stop_source stop;
  Snapshot last;
  std::int64_t steps = 0;
  g2d::TrainerOptions options{.num_epochs = 5, .batch_size = 8, .stop = stop.get_token()};
  options.on_step.push_back([&](const g2d::StepReport& report) {
    ++steps;
    if (report.epoch == 2 && report.step == 3) {
      last = snapshot(*student);
      stop.request_stop();
    }
  });
  const auto train = blobs(48, 0);
  const auto validation = blobs(30, 1);
  const auto history = make_trainer(*student, joint(), options).fit(train, validation);
  CHECK(history.was_interrupted);
  CHECK(history.epochs.size() == 2);
  CHECK_FALSE(history.best_epoch);
  CHECK(steps == 2 * 6 + 3);
  CHECK(changed(last, *student).empty());
  CHECK_FALSE(student->is_training());
  // It can be asked, and trained on.
  CHECK(std::isfinite(g2d::evaluate(*student, validation, g2d::task::Classification()).loss));
  options.stop = {};
  CHECK_FALSE(make_trainer(*student, joint(), options).fit(train, validation).was_interrupted);
  CHECK(changed(last, *student) != std::vector<std::string>());
}

TEST_CASE("Trainer: a sample that is not finite costs its step, and nothing else", "[trainer]") {
  const auto student = norm_dropout_student(2);
  const auto samples = blobs(48, 0);
  const LazyDataset train{.samples = samples, .change = poison(0, 11)};
  g2d::TrainerOptions options{.num_epochs = 3, .batch_size = 8};
  const auto history = make_trainer(*student, joint(), options).fit(train, samples);
  for (const auto& epoch : history.epochs) {
    CHECK(epoch.num_skipped == 1);
    for (const auto& loss : epoch.losses) CHECK(std::isfinite(loss.second));
  }
  CHECK(all_finite(*student));
}

TEST_CASE("Trainer: when every step is skipped that is an error, and the student is what it was", "[trainer]") {
  const auto student = norm_dropout_student(2);
  const auto before = snapshot(*student);
  const auto samples = blobs(24, 0);
  const LazyDataset train{.samples = samples,
                          .change = [](g2d::Batch& batch) { batch.inputs[0].values.fill_(std::nan("")); }};
  std::vector<g2d::EpochReport> reports;
  g2d::TrainerOptions options{.num_epochs = 2, .batch_size = 8};
  options.on_epoch.push_back([&](const g2d::EpochReport& report) { reports.push_back(report); });
  auto trainer = make_trainer(*student, joint(), options);
  CHECK_THROWS_AS(trainer.fit(train, samples), g2d::DivergedError);
  REQUIRE(reports.size() == 2);
  CHECK(reports[0].num_skipped == 3);
  CHECK(reports[0].num_steps == 3);
  CHECK(std::isnan(reports[0].losses[0].second));
  CHECK(changed(before, *student).empty());
}

TEST_CASE("Trainer: callbacks are called once for each step and epoch, with what happened", "[trainer]") {
  const auto student = norm_dropout_student(2);
  std::vector<std::int64_t> epochs;
  std::vector<std::int64_t> steps;
  int second_listener = 0;
  g2d::TrainerOptions options{.num_epochs = 3, .batch_size = 8};
  options.on_step.push_back([&](const g2d::StepReport& report) {
    CHECK(report.epoch == static_cast<std::int64_t>(epochs.size()));
    CHECK(report.num_epochs == 3);
    CHECK(report.num_steps == 5);
    steps.push_back(report.step);
  });
  options.on_epoch.push_back([&](const g2d::EpochReport& report) {
    epochs.push_back(report.epoch);
    CHECK(report.num_epochs == 3);
    CHECK(report.validation.num_samples == 30);
  });
  options.on_epoch.push_back([&](const g2d::EpochReport&) { ++second_listener; });
  (void)make_trainer(*student, joint(), options).fit(blobs(40, 0), blobs(30, 1));
  CHECK(epochs == std::vector<std::int64_t>{0, 1, 2});
  CHECK(steps == std::vector<std::int64_t>{1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5});
  CHECK(second_listener == 3);
}

TEST_CASE("Trainer: datasets that do not fit are refused before anything is changed", "[trainer]") {
  const auto student = norm_dropout_student(2);
  const auto before = snapshot(*student);
  const auto good = blobs(24, 0);
  const g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8};
  auto trainer = make_trainer(*student, in_stages({1, 0, 0}), options);
  const auto relabelled = [&](const at::Tensor& target) {
    return g2d::data::InMemory(good.names(), good.all().inputs, target);
  };
  const auto outside = relabelled(good.all().target.add(1));
  const g2d::data::InMemory swapped({"image", "audio"}, good.all().inputs, good.all().target);
  CHECK(thrown<g2d::ConfigError>([&] { (void)trainer.fit(swapped, good); }) ==
        "g2d: Trainer: expected a training dataset of the student's modalities (audio, image), got (image, audio)");
  CHECK(thrown<g2d::ConfigError>([&] { (void)trainer.fit(good, swapped); }) ==
        "g2d: Trainer: expected a validation dataset of the student's modalities (audio, image), got (image, audio)");
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(outside, good); }) ==
        "g2d: task::Classification: expected labels in [0, 3), got 3");
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(good, outside); }) ==
        "g2d: task::Classification: expected labels in [0, 3), got 3");
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(good, relabelled(good.all().target.sub(1))); }) ==
        "g2d: task::Classification: expected labels in [0, 3), got -1");
  CHECK(thrown<g2d::ShapeError>([&] { (void)trainer.fit(relabelled(good.all().target.to(at::kFloat)), good); }) ==
        "g2d: task::Classification: expected target int64 [B], got Float [24]");
  const auto empty = good.subset(torch::empty({0}, at::kLong));
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(empty, good); }) ==
        "g2d: Trainer: expected training samples, got an empty dataset");
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(good, empty); }) ==
        "g2d: Trainer: expected validation samples, got an empty dataset");
  CHECK(changed(before, *student).empty());
}

TEST_CASE("Trainer: labels out of range are found in datasets that are only known batch by batch", "[trainer]") {
  const auto student = norm_dropout_student(2);
  const auto before = snapshot(*student);
  const auto good = blobs(24, 0);
  const LazyDataset outside{.samples = good, .change = [](g2d::Batch& batch) { batch.target.add_(2); }};
  const g2d::TrainerOptions options{.num_epochs = 1, .batch_size = 8};
  auto trainer = make_trainer(*student, joint(), options);
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(outside, good); }) ==
        "g2d: task::Classification: expected labels in [0, 3), got 4");
  CHECK(changed(before, *student).empty());
  CHECK(thrown<g2d::DataError>([&] { (void)trainer.fit(good, outside); }) ==
        "g2d: task::Classification: expected labels in [0, 3), got 4");
}

TEST_CASE("Trainer: options out of range are refused at construction", "[trainer]") {
  const auto student = norm_dropout_student(2);
  const auto refusal = [&](const g2d::TrainerOptions& options) {
    return thrown<g2d::ConfigError>([&] { (void)make_trainer(*student, joint(), options); });
  };
  CHECK(refusal({.num_epochs = 0}) == "g2d: Step: expected num_epochs >= 1, got 0");
  CHECK(refusal({.batch_size = 0}) == "g2d: Trainer: expected batch_size >= 1, got 0");
  CHECK(refusal({.evaluation_batch_size = 0}) == "g2d: Trainer: expected evaluation_batch_size >= 1, got 0");
  CHECK(refusal({.calibration_batches = -1}) == "g2d: Trainer: expected calibration_batches >= 1, got -1");
  CHECK(refusal({.clip_norm = -1.0}) == "g2d: Step: expected clip_norm >= 0, got -1");
  CHECK_THAT(thrown<g2d::ConfigError>([&] { (void)make_trainer(*student, in_stages({1, 1, 1}), {.num_epochs = 4}); }),
             Contains("g2d: schedule::Sequential: expected stage_epochs"));
}

TEST_CASE("Trainer: one modality, and three, run through all their stages", "[trainer]") {
  for (const std::size_t modalities : {1U, 3U}) {
    INFO(modalities << " modalities");
    const auto student = norm_dropout_student(8, modalities);
    const std::vector<std::int64_t> stage_epochs(modalities + 1, 4);
    g2d::TrainerOptions options{.num_epochs = 4 * static_cast<std::int64_t>(modalities + 1), .batch_size = 8};
    options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05};
    const auto history = make_trainer(*student, in_stages(stage_epochs), options)
                             .fit(blobs(72, 0, modalities), blobs(60, 1, modalities));
    CHECK(history.epochs[0].stage == (modalities == 1 ? "all" : "audio"));
    CHECK(history.epochs.back().stage == "all");
    CHECK(history.epochs.back().validation.fused[0].value > 0.8);
    CHECK(history.epochs.back().validation.unimodal.size() == modalities);
    CHECK(history.calibrated.size() == modalities - 1);
  }
}

namespace {

/// A norm layer of a file that knows no counters: trained statistics, and a count of 0.
void load_without_counter(NormDropout& encoder) {
  const at::NoGradGuard no_grad;
  encoder.norm->running_mean.fill_(0.5);
  encoder.norm->running_var.fill_(2.0);
}

/// Batch by batch the surer modality is frozen: always the first one.
struct FirstIsSurer {
  g2d::TeacherSource source;

  FirstIsSurer() {
    source.summary = {.feature_widths = {3, 3}, .num_outputs = num_classes, .confidence = {0.9, 0.1}};
    source.outputs = [](const g2d::Batch& batch) {
      g2d::TeacherOutputs outputs;
      for (int m = 0; m < 2; ++m) {
        outputs.features.push_back(torch::zeros({batch.size(), 3}));
        outputs.logits.push_back(torch::zeros({batch.size(), num_classes}));
      }
      outputs.confidence = torch::tensor({{0.9, 0.1}}, torch::kDouble).expand({batch.size(), 2});
      return outputs;
    };
  }
};

using InBatches = g2d::schedule::Batchwise<g2d::suppression::Complete>;

}  // namespace

TEST_CASE("Trainer: an encoder that some batch may freeze is calibrated before", "[trainer][calibration]") {
  const auto train = blobs(24, 0);
  const FirstIsSurer teachers;
  const auto fit = [&](const InBatches& schedule) {
    const auto student = norm_dropout_student(3);
    const g2d::method::Prioritization<InBatches> freezing(schedule);
    const g2d::method::Stack method(g2d::method::Supervised<g2d::task::Classification>(), freezing);
    const auto history =
        make_trainer(*student, method, {.num_epochs = 2, .batch_size = 8}, teachers.source).fit(train, train);
    return std::pair(history.calibrated, norm_dropout(*student, 0).norm->running_mean.abs().max().item<double>());
  };
  const auto [calibrated, greatest] = fit(InBatches());
  CHECK(calibrated == std::vector<std::string>{"audio", "image"});
  CHECK(greatest > 0.0);
  const g2d::suppression::Complete by_batch({.norm_statistics = NormStatistics::Batch});
  CHECK(fit(InBatches(g2d::schedule::BatchwiseOptions(), by_batch)).first.empty());
  CHECK(fit(InBatches({.first_epoch = 1})).first.empty());  // It has learnt by then.
}

TEST_CASE("Trainer: statistics of a file without counters are kept, frozen by the caller or by a stage",
          "[trainer][calibration]") {
  const auto train = blobs(24, 0);
  const auto fit = [&](bool by_caller) {
    const auto student = norm_dropout_student(3);
    auto& image = norm_dropout(*student, 1);
    load_without_counter(image);
    if (by_caller) {
      for (auto& parameter : image.parameters()) parameter.requires_grad_(false);
    }
    const auto before = snapshot(image);
    CHECK(make_trainer(*student, in_stages({1, 0, 0}), {.num_epochs = 1, .batch_size = 8})
              .fit(train, train)
              .calibrated.empty());
    CHECK(changed(before, image).empty());
  };
  fit(false);
  fit(true);
}

TEST_CASE("Trainer: what the caller froze is not calibrated, new statistics included", "[trainer][calibration]") {
  const auto student = norm_dropout_student(3);
  auto& image = norm_dropout(*student, 1);
  for (auto& parameter : image.parameters()) parameter.requires_grad_(false);
  const auto before = snapshot(image);
  const auto train = blobs(24, 0);
  CHECK(make_trainer(*student, in_stages({1, 0, 0}), {.num_epochs = 1, .batch_size = 8})
            .fit(train, train)
            .calibrated.empty());
  CHECK(changed(before, image).empty());
}

TEST_CASE("Trainer: a further run starts anew, unless it is told to go on", "[trainer]") {
  const auto train = blobs(40, 0), validation = blobs(24, 1);
  g2d::TrainerOptions options{.num_epochs = 3, .batch_size = 8, .selection = g2d::Selection::Last};
  options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.01};
  const auto make = [] { return make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes); };
  const auto run = [&](g2d::Start start, bool is_new_trainer) {
    torch::manual_seed(6);
    const auto student = make();
    auto trainer = make_trainer(*student, joint(), options);
    (void)trainer.fit(train, validation);
    auto another = make_trainer(*student, joint(), options);
    const auto history = (is_new_trainer ? another : trainer).fit(train, validation, start);
    CHECK(history.epochs.size() == 3);
    CHECK(history.epochs.back().work.updates == (start == g2d::Start::Anew ? 15 : 30));
    return snapshot(*student);
  };
  const auto anew = run(g2d::Start::Anew, false);
  CHECK(anew == run(g2d::Start::Anew, true));
  CHECK(anew != run(g2d::Start::Continued, false));
}

TEST_CASE("Trainer: a method that ended a run begins the next one", "[trainer]") {
  const auto train = blobs(40, 0), validation = blobs(24, 1);
  torch::manual_seed(7);
  const auto student = make_student(tanh_encoders({input_width, input_width}, {3, 3}), num_classes);
  g2d::TrainerOptions options{.num_epochs = 12, .batch_size = 8};
  options.optimizer = g2d::optimizer::Sgd{.learning_rate = 2.0};
  const g2d::method::Stack method(g2d::method::Supervised<g2d::task::Classification>(),
                                  g2d::method::Mses({.patience = 0}));
  auto trainer = make_trainer(*student, method, options);
  CHECK(trainer.fit(train, validation).epochs.size() < 12);
  CHECK(trainer.fit(train, validation).epochs.size() > 1);
  CHECK(trainer.fit(train, validation, g2d::Start::Continued).epochs.empty());
}

TEST_CASE("Trainer: regression on standardized targets, judged in their unit", "[trainer]") {
  torch::manual_seed(1);
  const auto inputs = torch::randn({80, input_width});
  const auto target = torch::stack({inputs.sum(1) * 50.0 + 1000.0, inputs.select(1, 0) * 3.0}, 1);
  const g2d::data::InMemory samples({"audio"}, {inputs}, target);
  const auto task = g2d::task::Regression::standardized(target);
  const auto student = make_student(tanh_encoders({input_width}, {16}), 2);
  g2d::TrainerOptions options{.num_epochs = 40, .batch_size = 16};
  options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.02};
  g2d::Trainer trainer(*student, g2d::method::Any(g2d::method::JointTraining(task)), task, options);
  const auto history = trainer.fit(samples, samples);
  const auto first = history.epochs.front().validation;
  const auto best = history.epochs[static_cast<std::size_t>(*history.best_epoch)].validation;
  CHECK(first.fused[0].name == "rmse");
  CHECK(best.fused[0].value < 0.3 * first.fused[0].value);
  CHECK(best.score() == -best.fused[0].value);
  CHECK(best.fused[2].value > 0.9);
  // In the unit of the target: what the student says, brought back, against the target.
  const auto says = task.in_target_unit(student->forward(std::vector<g2d::Input>{inputs})).detach();
  CHECK(best.fused[1].value == Approx((says - target).abs().mean().item<double>()).epsilon(1e-4));
}

TEST_CASE("Trainer: several labels at once", "[trainer]") {
  torch::manual_seed(1);
  const auto inputs = torch::randn({90, input_width});
  const auto target = inputs.narrow(1, 0, 3).gt(0.0).to(at::kFloat);
  const g2d::data::InMemory samples({"audio"}, {inputs}, target);
  const auto student = make_student(tanh_encoders({input_width}, {8}), 3);
  g2d::TrainerOptions options{.num_epochs = 30, .batch_size = 16};
  options.optimizer = g2d::optimizer::Adam{.learning_rate = 0.05};
  const g2d::task::MultiLabel task;
  g2d::Trainer trainer(*student, g2d::method::Any(g2d::method::JointTraining(task)), task, options);
  const auto history = trainer.fit(samples, samples);
  CHECK(history.epochs.back().validation.fused[0].value > 0.9);
  CHECK(history.epochs.back().validation.fused[0].value > history.epochs.front().validation.fused[0].value);
}

TEST_CASE("Trainer: memory does not grow with the number of steps", "[trainer]") {
#if defined(__SANITIZE_ADDRESS__)
  SUCCEED("a sanitizer keeps freed memory");
#else
  torch::manual_seed(1);
  const auto student = make_student(tanh_encoders({input_width, input_width}, {8, 8}), num_classes);
  double before = 0.0;
  double after = 0.0;
  std::int64_t steps = 0;
  g2d::TrainerOptions options{.num_epochs = 100, .batch_size = 8};
  options.on_step.push_back([&](const g2d::StepReport&) {
    if (++steps == 100) before = resident_megabytes();
    if (steps == 600) after = resident_megabytes();
  });
  const auto samples = blobs(48, 0);
  (void)make_trainer(*student, joint(), options).fit(samples, samples);
  REQUIRE(steps == 600);
  CHECK(after - before < 3.0);
#endif
}

namespace {

/// Two MLPs whose layers run in this precision, without dropout and norms.
std::shared_ptr<g2d::AnyStudent> mlp_student(g2d::Precision precision) {
  torch::manual_seed(11);
  std::vector<g2d::Encoder> encoders;
  for (int m = 0; m < 2; ++m) {
    const g2d::encoder::MlpOptions options{.in_features = input_width, .hidden = {16}, .feature_width = 8};
    encoders.emplace_back(std::make_shared<g2d::encoder::Mlp>(options), g2d::EncoderOptions{.precision = precision});
  }
  return make_student(std::move(encoders), num_classes);
}

}  // namespace

TEST_CASE("Trainer: float16 encoders learn as float32 ones do, for the loss is scaled", "[trainer][precision]") {
  const auto accuracy = [](g2d::Precision precision) {
    const auto student = mlp_student(precision);
    g2d::TrainerOptions options{.num_epochs = 6, .batch_size = 8};
    options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05};
    std::int64_t num_skipped = 0;
    options.on_epoch.push_back([&](const g2d::EpochReport& report) { num_skipped += report.num_skipped; });
    const auto history = make_trainer(*student, joint(), options).fit(blobs(96, 0), blobs(60, 1));
    CHECK(all_finite(*student));
    CHECK(num_skipped < 6);
    return history.epochs.back().validation.score();
  };
  const double full = accuracy(g2d::Precision::Full);
  CHECK(full > 0.8);
  CHECK(accuracy(g2d::Precision::Float16) == Approx(full).margin(0.05));
}

TEST_CASE("Step: gradients too small for float16 arrive, for the loss is scaled", "[step][precision]") {
  const auto batch = blobs(8, 0).batch(torch::arange(8));
  const auto change = [&](g2d::Precision precision) {
    const auto student = mlp_student(precision);
    {
      // Behind a head of 1e-6 the encoders' gradients are some 1e-7: below float16's smallest normal number by far.
      const at::NoGradGuard no_grad;
      for (auto& parameter : student->fusion().parameters()) parameter.value.mul_(1e-6);
    }
    const auto parameter = student->encoder(0).module()->parameters()[0];
    const auto before = parameter.detach().to(at::kDouble).clone();
    g2d::Step<g2d::AnyStudent, g2d::method::Any> step(
        *student, joint(),
        {.optimizer = g2d::optimizer::Sgd{.learning_rate = 1e4, .momentum = 0.0, .weight_decay = 0.0}});
    CHECK_FALSE(step(batch).is_skipped.item<bool>());
    return parameter.detach().to(at::kDouble).sub(before);
  };
  const auto expected = change(g2d::Precision::Full);
  REQUIRE(expected.norm().item<double>() > 0.0);
  CHECK(change(g2d::Precision::Float16).sub(expected).norm().item<double>() < 0.02 * expected.norm().item<double>());
}

TEST_CASE("Step: a float16 step that overflows changes nothing, and the scale comes down until one fits",
          "[step][precision]") {
  const auto student = mlp_student(g2d::Precision::Float16);
  g2d::Step<g2d::AnyStudent, g2d::method::Any> step(*student, joint(),
                                                    {.optimizer = g2d::optimizer::Sgd{.learning_rate = 1e-3}});
  auto batch = blobs(8, 0).batch(torch::arange(8));
  for (auto& input : batch.inputs) input.values = input.values.mul(40.0);
  const auto before = snapshot(*student);
  REQUIRE(step(batch).is_skipped.item<bool>());
  CHECK(changed(before, *student).empty());
  std::int64_t num_skipped = 1;
  while (num_skipped < 20 && step(batch).is_skipped.item<bool>()) ++num_skipped;
  CHECK(num_skipped < 20);
  CHECK_FALSE(changed(before, *student).empty());
}
