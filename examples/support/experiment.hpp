// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/print.hpp>
#include <g2d/core/seed.hpp>
#include <g2d/data/subset.hpp>
#include <g2d/io/weights.hpp>
#include <g2d/teacher/confidence_report.hpp>
#include <g2d/teacher/measure_confidence.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/cross_fit.hpp>
#include <g2d/train/divergence.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/progress_bar.hpp>
#include <g2d/train/train_teacher.hpp>
#include <g2d/train/trainer.hpp>

#include "dataset_choice.hpp"
#include "encoders.hpp"
#include "methods.hpp"
#include "results.hpp"
#include "settings.hpp"

/// Thrown when the user has asked to stop: what is finished is kept.
struct Interrupted {};

/// Thrown when a seed's students have no teacher to learn from.
struct TeacherDiverged {};

/// How a training went, and why it came to nothing where it did.
struct Outcome {
  g2d::History history;
  std::int64_t num_skipped = 0;
  std::optional<std::string> failure;
};

/// `fit` trains the model and returns its history; the options are those that it trains by.
template <class Fit>
[[nodiscard]] Outcome train_watched(const std::string& label, const torch::nn::Module& model,
                                    g2d::TrainerOptions options, Fit fit) {
  Outcome outcome;
  options.on_epoch.push_back([&](const g2d::EpochReport& report) { outcome.num_skipped += report.num_skipped; });
  try {
    outcome.history = fit(options);
    if (outcome.history.was_interrupted) throw Interrupted{};
    outcome.failure = g2d::divergence(model, outcome.history);
  } catch (const g2d::DivergedError& error) {
    outcome.failure = error.what();
  }
  if (outcome.failure) g2d::print(stderr, "error: {} has diverged: {}\n", label, *outcome.failure);
  return outcome;
}

/// Shapes of a sample of each modality, read from the first training samples.
[[nodiscard]] inline std::vector<std::vector<std::int64_t>> sample_shapes(const g2d::data::Any& dataset) {
  const auto batch = dataset.batch(at::arange(1, at::kLong));
  std::vector<std::vector<std::int64_t>> shapes;
  for (const auto& input : batch.inputs) shapes.push_back(input.values.sizes().slice(1).vec());
  return shapes;
}

[[nodiscard]] g2d::optimizer::Settings optimizer_settings(const Settings& settings);

/// With a progress line under that label, where there is one.
[[nodiscard]] g2d::TrainerOptions trainer_options(const Settings& settings, std::int64_t epochs, std::uint64_t seed,
                                                  const std::string& label, const std::stop_token& stop);

/// Everything that one seed decides: teachers, their confidence, students.
template <class Task>
class Experiment {
 public:
  Experiment(const Settings& settings, const OpenedDataset& dataset, Task task, std::uint64_t seed,
             std::stop_token stop, Results& results)
      : settings_(settings),
        dataset_(dataset),
        task_(std::move(task)),
        seed_(seed),
        stop_(std::move(stop)),
        results_(results),
        device_(settings.device),
        encoders_(settings, names(), sample_shapes(dataset.splits.train)) {}

  /// Settings that do not fit together are refused here, before hours of teachers have been trained.
  void check() const {
    (void)g2d::optimizer::Optimizer(optimizer_settings(settings_), {});
    const auto encoders = encoders_.make_all();
    g2d::PerModality<std::int64_t> widths;
    for (const auto& encoder : encoders) widths.push_back(encoder.feature_width());
    const g2d::TeacherSummary teachers{.feature_widths = widths,
                                       .num_outputs = num_outputs(),
                                       .confidence = g2d::PerModality<double>(names().size(), 0.5)};
    const g2d::method::Setup setup{names(), widths, num_outputs(), settings_.epochs, teachers};
    for (const auto& name : settings_.methods) {
      make_method(settings_, task_, name, seed_).begin(setup);
      (void)make_student(name);
    }
    const auto student = make_student(settings_.methods.front());
    student->to(device_);
    (void)g2d::predict(*student, g2d::data::Subset(dataset_.splits.train, at::arange(1, at::kLong)),
                       student->readout());
  }

  /// Teachers that are to be loaded, of all seeds, are read once before anything is trained.
  void check_teachers() const {
    if (settings_.teachers.empty()) return;
    for (const auto seed : settings_.seeds) {
      for (std::size_t m = 0; m < names().size(); ++m) {
        const auto model = g2d::make_unimodal_model(names()[m], encoders_.make(m), num_outputs());
        g2d::io::load_weights(*model, std::filesystem::path(settings_.teachers) / teacher_file(m, seed));
      }
    }
  }

  /// Trains the teachers and reads them out on the training split.
  void teach() {
    std::vector<g2d::Teacher> teachers;
    for (std::size_t m = 0; m < names().size(); ++m) teachers.push_back(teach_one(m));
    teachers_.emplace(names(), std::move(teachers));
    add_ensemble();
    if (!dataset_.splits.train.is_deterministic()) {
      g2d::print("seed {}: the training samples are augmented at random, so the teachers are run in every step\n",
                 seed_);
      return;
    }
    const auto storage = settings_.teacher_storage == "float16" ? at::kHalf : at::kFloat;
    cache_.emplace(g2d::TeacherCache::precompute(*teachers_, dataset_.splits.train, task_, {.storage = storage}));
    g2d::print("seed {}: teachers precomputed on {} samples in {:.1f} s\n", seed_, cache_->size(), cache_->seconds());
  }

  /// rho by every measure asked for, and the order that each gives.
  void measure_confidence() {
    report_.emplace(names());
    report_->add(g2d::ConfidenceMeasure::Training,
                 cache_ ? cache_->confidence() : g2d::measure_confidence(*teachers_, dataset_.splits.train, task_));
    report_->add(g2d::ConfidenceMeasure::HeldOut,
                 g2d::measure_confidence(*teachers_, dataset_.splits.validation, task_));
    if (settings_.cross_fit) cross_fit();
    for (const auto& [measure, confidence] : report_->entries()) {
      g2d::print("  rho, {:<12}", to_string(measure));
      for (std::size_t m = 0; m < names().size(); ++m) g2d::print("  {} {:.4f}", names()[m], confidence[m]);
      g2d::print("   order: {}\n", report_->order(confidence));
    }
    if (const auto warning = report_->disagreement()) g2d::print("  warning: {}\n", *warning);
  }

  /// Trains one student, and reads the test split once.
  void train(const std::string& method) {
    student_ = make_student(method);
    student_->to(device_);
    const auto epochs = settings_.epochs + (method == "joint-total" ? settings_.epochs_of_teachers() : 0);
    const auto outcome = train_watched(
        method, *student_, trainer_options(settings_, epochs, seed_, method, stop_), [&](const auto& options) {
          g2d::Trainer trainer(*student_, make_method(settings_, task_, method, seed_), task_, options, source());
          return trainer.fit(dataset_.splits.train, dataset_.splits.validation);
        });
    const auto test = g2d::evaluate(*student_, dataset_.splits.test, task_, settings_.batch_size * evaluation_factor);
    std::vector<double> unimodal;
    for (const auto& metrics : test.unimodal) unimodal.push_back(metrics[0].value);
    results_.add({seed_, method, test.fused, std::move(unimodal), epochs, outcome.history.seconds, outcome.num_skipped,
                  outcome.failure.has_value()});
  }

  [[nodiscard]] nlohmann::json confidence() const {
    nlohmann::json all;
    for (const auto& [measure, values] : report_->entries()) {
      auto& entry = all[std::string(to_string(measure))];
      for (std::size_t m = 0; m < names().size(); ++m) entry[names()[m]] = values[m];
      entry["order"] = report_->order(values);
    }
    return all;
  }

  [[nodiscard]] const EncoderFactory& encoders() const { return encoders_; }
  [[nodiscard]] g2d::AnyStudent& student() { return *student_; }

  /// One seed, one set of first weights: the methods differ in nothing else.
  [[nodiscard]] std::shared_ptr<g2d::AnyStudent> make_student(const std::string& method) const {
    at::manual_seed(seed_);
    auto encoders = encoders_.make_all();
    std::vector<std::int64_t> widths;
    for (const auto& encoder : encoders) widths.push_back(encoder.feature_width());
    const g2d::FusionShape shape(names(), widths, num_outputs());
    auto fusion = g2d::fusion::make(settings_.fusion, shape);
    auto readout = g2d::readout::make(method == "multi-task" ? "own-heads" : settings_.readout, shape);
    return std::make_shared<g2d::AnyStudent>(std::move(fusion), std::move(encoders), std::move(readout));
  }

 private:
  static constexpr std::int64_t evaluation_factor = 4;

  [[nodiscard]] const g2d::ModalityNames& names() const { return dataset_.splits.train.names(); }
  [[nodiscard]] std::int64_t num_outputs() const { return dataset_.target.num_outputs; }

  [[nodiscard]] std::string teacher_file(std::size_t m, std::uint64_t seed) const {
    return fmt::format("teacher-{}-seed{}.safetensors", names()[m], seed);
  }

  g2d::Teacher teach_one(std::size_t m) {
    at::manual_seed(seed_ + 1000 * (m + 1));
    const auto label = names()[m] + " teacher";
    auto model = g2d::make_unimodal_model(names()[m], encoders_.make(m), num_outputs());
    model->to(device_);
    const auto file = teacher_file(m, seed_);
    Outcome outcome;
    if (settings_.teachers.empty()) {
      outcome = train_watched(
          label, *model, trainer_options(settings_, settings_.epochs_of_teachers(), seed_, label, stop_),
          [&](const auto& options) {
            return g2d::train_teacher(model, dataset_.splits.train, dataset_.splits.validation, m, task_, options)
                .history;
          });
      if (!outcome.failure) g2d::io::save_weights(*model, std::filesystem::path(settings_.out) / file);
    } else {
      g2d::io::load_weights(*model, std::filesystem::path(settings_.teachers) / file);
    }
    const auto test = g2d::evaluate(*model, g2d::data::SingleModality(dataset_.splits.test, m), task_);
    const auto& metrics = test.unimodal[0];  // On the test samples that have the modality; NaN where none does.
    std::vector<double> unimodal(names().size(), std::numeric_limits<double>::quiet_NaN());
    unimodal[m] = metrics[0].value;
    results_.add({seed_, label, metrics, std::move(unimodal), settings_.epochs_of_teachers(), outcome.history.seconds,
                  outcome.num_skipped, outcome.failure.has_value()});
    if (outcome.failure) throw TeacherDiverged{};
    return g2d::Teacher::of(model);
  }

  /// The mean of the outputs of the teachers whose modality a sample has.
  [[nodiscard]] static at::Tensor mean_over_teachers(const g2d::PerModality<at::Tensor>& logits,
                                                     const at::Tensor& present) {
    const auto all = at::stack(at::TensorList(logits.data(), logits.size()), 1);
    if (!present.defined()) return all.mean(1);
    const auto known = at::where(present.unsqueeze(2), all, all.new_zeros({}));
    return known.sum(1).div(present.sum(1, /*keepdim=*/true).clamp_min(1));
  }

  /// The mean of the teachers' outputs: what no training of a student should lose against.
  void add_ensemble() {
    const at::NoGradGuard no_grad;
    std::vector<at::Tensor> means, targets;
    const auto batches = g2d::data::ordered_batches(dataset_.splits.test.size(), 256);
    auto stream = g2d::data::stream(dataset_.splits.test, batches);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const auto batch = g2d::data::to_device(stream.next(), device_);
      means.push_back(mean_over_teachers(teachers_->predict(batch).logits, batch.present));
      targets.push_back(batch.target);
    }
    results_.add({seed_, "teachers' mean", g2d::metrics::measure(task_, at::cat(means), at::cat(targets)), {}, 0, 0.0});
  }

  void cross_fit() {
    at::manual_seed(seed_);
    const auto options = trainer_options(settings_, settings_.epochs_of_teachers(), seed_, "cross-fitting", stop_);
    const auto make = [&](std::size_t m) {
      auto encoder = encoders_.make(m);
      encoder.module()->to(device_);
      return encoder;
    };
    auto confidence = g2d::cross_fitted_confidence(make, dataset_.splits.train, task_, num_outputs(), options);
    if (confidence.empty()) throw Interrupted{};
    report_->add(g2d::ConfidenceMeasure::CrossFitted, std::move(confidence));
  }

  [[nodiscard]] g2d::TeacherSource source() const {
    using g2d::ConfidenceMeasure;
    const auto& confidence = report_->at(settings_.confidence == "held-out"       ? ConfidenceMeasure::HeldOut
                                         : settings_.confidence == "cross-fitted" ? ConfidenceMeasure::CrossFitted
                                                                                  : ConfidenceMeasure::Training);
    return cache_ ? cache_->source(confidence) : g2d::online(*teachers_, task_, confidence);
  }

  const Settings& settings_;
  const OpenedDataset& dataset_;
  Task task_;
  std::uint64_t seed_;
  std::stop_token stop_;
  Results& results_;
  at::Device device_;
  EncoderFactory encoders_;
  std::optional<g2d::Teachers> teachers_;
  std::optional<g2d::TeacherCache> cache_;
  std::optional<g2d::ConfidenceReport> report_;
  std::shared_ptr<g2d::AnyStudent> student_;
};
