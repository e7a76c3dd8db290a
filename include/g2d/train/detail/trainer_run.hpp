// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/randperm.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include <g2d/core/seed.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/detail/join_present.hpp>
#include <g2d/data/to_device.hpp>
#include <g2d/method/run.hpp>
#include <g2d/train/detail/mode_scope.hpp>
#include <g2d/train/detail/random_scope.hpp>
#include <g2d/train/detail/state_snapshot.hpp>
#include <g2d/train/detail/training_mode.hpp>
#include <g2d/train/evaluate.hpp>

namespace g2d::detail {

[[nodiscard]] inline method::SplitLosses split_losses(const Evaluation& evaluation) {
  return {evaluation.loss, evaluation.unimodal_loss};
}

[[nodiscard]] inline method::ValidationResult validation_result(const Evaluation& evaluation) {
  method::ValidationResult result{split_losses(evaluation), {}};
  for (std::size_t m = 0; m < evaluation.unimodal.size(); ++m) result.unimodal_scores.push_back(evaluation.score(m));
  return result;
}

/// The services of a trainer for its method, before one epoch. `train_epoch(i)` runs the steps of the i-th epoch of
/// trials.
template <class Student, class Task, class Step, class Train, class Validation>
class TrainerRun final : public method::Run {
 public:
  struct Settings {
    std::int64_t epoch = 0;
    std::int64_t num_epochs = 0;
    std::uint64_t seed = 0;
    std::int64_t evaluation_batch_size = 256;
  };

  TrainerRun(Student& student, const Task& task, Step& step, const Train& train, const Validation& validation,
             Settings settings, std::optional<method::ValidationResult> last,
             std::function<void(std::int64_t)> train_epoch)
      : student_(student),
        task_(task),
        step_(step),
        train_(train),
        validation_(validation),
        settings_(settings),
        generator_(
            make_generator(mix_seed(settings.seed, stream_of_draws), static_cast<std::uint64_t>(settings.epoch))),
        last_(std::move(last)),
        train_epoch_(std::move(train_epoch)) {}

  [[nodiscard]] std::int64_t epoch() const override { return settings_.epoch; }
  [[nodiscard]] std::int64_t num_epochs() const override { return settings_.num_epochs; }
  [[nodiscard]] const method::StudentView& student() const override { return step_.student_view(); }
  [[nodiscard]] const method::ValidationResult* validation() const override { return last_ ? &*last_ : nullptr; }
  [[nodiscard]] std::int64_t size(method::Split split) const override {
    return split == method::Split::Train ? train_.size() : validation_.size();
  }

  [[nodiscard]] method::FeatureTable features(method::Split split, std::int64_t max_samples) override {
    return split == method::Split::Train ? features_of(train_, max_samples) : features_of(validation_, max_samples);
  }

  [[nodiscard]] Batch batch(method::Split split, std::int64_t num_samples) override {
    return split == method::Split::Train ? batch_of(train_, num_samples) : batch_of(validation_, num_samples);
  }

  [[nodiscard]] method::TrialResult trial(std::int64_t num_epochs) override {
    const RandomScope random(device());
    StateSnapshot before;
    before.take(student_);
    method::TrialResult result;
    try {
      result = tried(num_epochs);
    } catch (...) {
      before.restore(student_);
      throw;
    }
    before.restore(student_);
    return result;
  }

 private:
  static constexpr std::uint64_t stream_of_draws = 1;

  template <class Dataset>
  [[nodiscard]] at::Tensor draw(const Dataset& dataset, std::int64_t num_samples) {
    if (num_samples >= dataset.size()) return at::arange(dataset.size(), at::kLong);
    return at::randperm(dataset.size(), std::optional(generator_), at::kLong).narrow(0, 0, num_samples);
  }

  /// A trial that leaves the student as it has learnt.
  [[nodiscard]] method::TrialResult tried(std::int64_t num_epochs) {
    method::TrialResult result;
    result.train_before = losses(train_);
    result.validation_before = losses(validation_);
    step_.apart([&] {
      step_.begin_epoch(settings_.epoch);
      const TrainingMode training(student_);
      const at::AutoGradMode with_graph(true);
      for (std::int64_t epoch = 0; epoch < num_epochs; ++epoch) train_epoch_(++num_trial_epochs_);
    });
    result.train_after = losses(train_);
    result.validation_after = losses(validation_);
    return result;
  }

  [[nodiscard]] at::Device device() const { return student_.parameters().front().device(); }

  template <class Dataset>
  [[nodiscard]] Batch batch_of(const Dataset& dataset, std::int64_t num_samples) {
    return data::to_device(dataset.batch(draw(dataset, num_samples)), device());
  }

  template <class Dataset>
  [[nodiscard]] method::SplitLosses losses(const Dataset& dataset) {
    step_.count_forwards(dataset.size());
    return split_losses(evaluate(student_, dataset, task_, settings_.evaluation_batch_size));
  }

  template <class Dataset>
  [[nodiscard]] method::FeatureTable features_of(const Dataset& dataset, std::int64_t max_samples) {
    const at::NoGradGuard no_grad;
    const ModeScope evaluation(student_, /*training=*/false);
    method::FeatureTable table;
    table.rows = draw(dataset, max_samples);
    std::vector<at::Tensor> targets, present;
    PerModality<std::vector<at::Tensor>> parts(student_.num_modalities());
    const auto batches = table.rows.split(settings_.evaluation_batch_size);
    auto stream = data::stream(dataset, batches);
    for (std::size_t i = 0; i < batches.size(); ++i) {
      const auto batch = data::to_device(stream.next(), device());
      const auto features = student_.encode(batch.inputs, batch.present);
      for (std::size_t m = 0; m < parts.size(); ++m) parts[m].push_back(features[m]);
      targets.push_back(batch.target);
      present.push_back(batch.present);
    }
    step_.count_forwards(table.rows.size(0));
    table.target = at::cat(targets);
    table.present = data::detail::join_present(present, targets, parts.size());
    for (const auto& part : parts) table.features.push_back(at::cat(part));
    return table;
  }

  Student& student_;
  const Task& task_;
  Step& step_;
  const Train& train_;
  const Validation& validation_;
  Settings settings_;
  at::Generator generator_;
  std::int64_t num_trial_epochs_ = 0;
  std::optional<method::ValidationResult> last_;
  std::function<void(std::int64_t)> train_epoch_;
};

}  // namespace g2d::detail
