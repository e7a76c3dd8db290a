// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/capabilities.hpp>
#include <g2d/data/concept.hpp>
#include <g2d/data/to_device.hpp>
#include <g2d/method/concept.hpp>
#include <g2d/suppression/norm_statistics.hpp>
#include <g2d/task/concept.hpp>
#include <g2d/teacher/teacher_source.hpp>
#include <g2d/train/detail/calibrate.hpp>
#include <g2d/train/detail/candidate_epochs.hpp>
#include <g2d/train/detail/epoch_batches.hpp>
#include <g2d/train/detail/loss_meter.hpp>
#include <g2d/train/detail/mode_scope.hpp>
#include <g2d/train/detail/stage_features.hpp>
#include <g2d/train/detail/state_snapshot.hpp>
#include <g2d/train/detail/trainer_run.hpp>
#include <g2d/train/detail/training_mode.hpp>
#include <g2d/train/evaluate.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/trainer_options.hpp>

namespace g2d {

/// What a run was like.
struct History {
  std::vector<EpochReport> epochs;
  std::vector<std::string> calibrated;     ///< Modalities whose norm statistics were fitted before the first stage.
  std::optional<std::int64_t> best_epoch;  ///< Whose weights the student has; empty: those of the last step.
  bool was_interrupted = false;
  double seconds = 0.0;

  [[nodiscard]] std::int64_t num_skipped() const { return sum(&EpochReport::num_skipped); }  ///< Steps of all epochs.
  [[nodiscard]] std::int64_t num_steps() const { return sum(&EpochReport::num_steps); }      ///< The same.

 private:
  [[nodiscard]] std::int64_t sum(std::int64_t EpochReport::* count) const {
    std::int64_t total = 0;
    for (const auto& report : epochs) total += report.*count;
    return total;
  }
};

/// Epochs over a dataset: order, learning rate, stages, evaluation, selection, callbacks.
///
///     Trainer trainer(student, method::G2d<task::Classification>(), task::Classification(), options, cache.source());
///     const auto history = trainer.fit(train, validation);
///
/// Modules whose parameters are all frozen by the caller stay in evaluation mode; everything else is put into training
/// mode for the run, and all modes are put back at its end.
///
/// Reproducible on the CPU: one seed and thread count give the same bytes.
/// Errors     at construction, those of Step; in `fit`, ConfigError for datasets of other modalities, DataError for
///            labels out of range, DivergedError when every step of the run was skipped. After an error, or a stop, the
///            student holds the weights of the last good step.
template <class Student, method::MethodPolicy Method, task::TaskPolicy Task>
class Trainer {
 public:
  Trainer(Student& student, Method method, Task task, TrainerOptions options,
          std::optional<TeacherSource> teachers = {})
      : student_(student),
        task_(std::move(task)),
        options_(std::move(options)),
        teachers_(std::move(teachers)),
        step_(student, std::move(method), step_options(options_),
              teachers_ ? std::optional(teachers_->summary) : std::nullopt) {
    check_count(options_.batch_size, "batch_size");
    check_count(options_.evaluation_batch_size, "evaluation_batch_size");
    check_count(options_.calibration_batches, "calibration_batches");
  }

  /// Trains for all epochs, or until a stop is asked for or the method ends the run. Selects on `validation`; no test
  /// data come near it. A further call trains the student on: with a method and an optimizer that start anew, unless
  /// `start` says otherwise.
  template <data::DatasetPolicy Train, data::DatasetPolicy Validation>
  History fit(const Train& train, const Validation& validation, Start start = Start::Anew) {
    check(train, "training");
    check(validation, "validation");
    if (std::exchange(has_run_, true) && start == Start::Anew) step_.begin_run();
    const auto begin = std::chrono::steady_clock::now();
    const detail::TrainingMode training_mode(student_);
    History history;
    history.calibrated = calibrate(train);
    detail::StateSnapshot best;
    double best_score = -std::numeric_limits<double>::infinity();
    detail::CandidateEpochs candidates;
    detail::StageFeatures train_features(train.size(), options_.feature_memory_bytes);
    detail::StageFeatures validation_features(validation.size(), options_.feature_memory_bytes);
    for (std::int64_t epoch = 0; epoch < options_.num_epochs && !history.was_interrupted; ++epoch) {
      const auto preparation_seconds = prepare(train, validation, epoch, history);
      step_.begin_epoch(epoch);
      if (step_.plan().ends_run) break;
      train_features.begin_epoch(student_, standing_still(train, /*is_training=*/true));
      auto report = run_epoch(train, epoch, train_features, history);
      report.preparation_seconds = preparation_seconds;
      if (history.was_interrupted) break;
      validation_features.begin_epoch(student_, standing_still(validation, /*is_training=*/false));
      report.validation = evaluate(student_, validation, task_, options_.evaluation_batch_size, &validation_features);
      report.work = step_.work();
      if (candidates.begin_anew(learning())) {
        best_score = -std::numeric_limits<double>::infinity();
        best = {};
        history.best_epoch.reset();
      }
      if (report.validation.score() > best_score) {
        best_score = report.validation.score();
        report.is_best = true;
        if (options_.selection == Selection::BestValidation) {
          best.take(student_);
          history.best_epoch = epoch;
        }
      }
      for (const auto& callback : options_.on_epoch) callback(report);
      history.epochs.push_back(std::move(report));
    }
    if (history.was_interrupted) {
      history.best_epoch.reset();
    } else if (history.num_steps() > 0 && history.num_skipped() == history.num_steps()) {
      throw DivergedError(
          fmt::format("g2d: Trainer: expected steps whose losses and gradients are finite, got none in {} steps; look "
                      "for values in "
                      "the data that are huge or no numbers, and lower the learning rate and the weights of losses",
                      history.num_steps()));
    } else if (!best.empty()) {
      best.restore(student_);
    }
    history.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return history;
  }

  [[nodiscard]] Step<Student, Method>& step() { return step_; }

 private:
  static void check_count(std::int64_t count, const char* option) {
    if (count < 1) throw ConfigError(fmt::format("g2d: Trainer: expected {} >= 1, got {}", option, count));
  }

  static StepOptions step_options(const TrainerOptions& options) {
    return {.optimizer = options.optimizer,
            .num_epochs = options.num_epochs,
            .clip_norm = options.clip_norm,
            .finite_check = options.finite_check};
  }

  template <class Dataset>
  void check(const Dataset& dataset, const char* which) const {
    if (!(dataset.names() == student_.names())) {
      throw ConfigError(fmt::format("g2d: Trainer: expected a {} dataset of the student's modalities ({}), got ({})",
                                    which, student_.names().joined(), dataset.names().joined()));
    }
    if (dataset.size() < 1)
      throw DataError(fmt::format("g2d: Trainer: expected {} samples, got an empty dataset", which));
    if constexpr (data::KnowsTargets<Dataset>) task_.check(student_.num_outputs(), dataset.targets().cpu());
  }

  [[nodiscard]] at::Device device() const { return student_.parameters().front().device(); }

  /// Encoders that the first epoch freezes, or may freeze in some batch, before they have learnt anything.
  template <class Dataset>
  std::vector<std::string> calibrate(const Dataset& train) {
    std::vector<std::string> calibrated;
    if (!options_.calibrate_norm_statistics) return calibrated;
    step_.begin_epoch(0);
    auto rows = data::shuffled_batches(train.size(), options_.batch_size, options_.seed, 0);
    if (static_cast<std::int64_t>(rows.size()) > options_.calibration_batches) {
      rows.resize(static_cast<std::size_t>(options_.calibration_batches));
    }
    std::vector<std::function<Batch()>> batches;
    for (const auto& some : rows)
      batches.push_back([&train, some, this] { return data::to_device(train.batch(some), device()); });
    for (std::size_t m = 0; m < student_.num_modalities(); ++m) {
      const auto& control = step_.plan().controls[m];
      const bool is_frozen = control.frozen && control.norm_statistics == suppression::NormStatistics::Frozen;
      if ((is_frozen || control.may_freeze) && detail::calibrate_norm_statistics(student_, m, batches)) {
        calibrated.push_back(student_.names()[m]);
      }
    }
    return calibrated;
  }

  /// The modalities that are not held back in the planned epoch.
  [[nodiscard]] PerModality<bool> learning() const {
    PerModality<bool> learning;
    for (const auto& control : step_.plan().controls) {
      const auto& scale = control.gradient_scale;
      learning.push_back(!control.frozen && !(scale.defined() && scale.template item<double>() < 1.0));
    }
    return learning;
  }

  [[nodiscard]] std::string stage_name() const {
    std::string name;
    const auto learning = this->learning();
    if (std::find(learning.begin(), learning.end(), false) == learning.end()) return "all";
    for (std::size_t m = 0; m < learning.size(); ++m) {
      if (learning[m]) name += (name.empty() ? "" : "+") + student_.names()[m];
    }
    return name;
  }

  /// Which encoders say the same of the same sample until they learn again. While training, a view of the samples may
  /// hide some of them or show them twice, and norm layers may use the batch's statistics.
  template <class Dataset>
  [[nodiscard]] PerModality<bool> standing_still(const Dataset& dataset, bool is_training) const {
    const auto& plan = step_.plan();
    PerModality<bool> still(student_.num_modalities(), false);
    if (!options_.reuses_features || !dataset.is_deterministic() || (is_training && plan.samples)) return still;
    for (std::size_t m = 0; m < still.size(); ++m) {
      const auto& control = plan.controls[m];
      const bool keeps_norms = !is_training || control.norm_statistics == suppression::NormStatistics::Frozen;
      still[m] = !control.skipped &&
                 ((is_held(m) && keeps_norms) || detail::is_frozen_by_caller(*student_.encoder(m).module()));
    }
    return still;
  }

  /// Whether nobody trains the encoder of modality m in the planned epoch; one may serve several modalities.
  [[nodiscard]] bool is_held(std::size_t m) const {
    const auto& controls = step_.plan().controls;
    for (std::size_t other = 0; other < controls.size(); ++other) {
      const bool is_shared = student_.encoder(other).module() == student_.encoder(m).module();
      if (is_shared && !controls[other].frozen && !controls[other].skipped) return false;
    }
    return controls[m].frozen;
  }

  /// The modalities whose inputs an epoch of training needs: those of encoders that have to be run, unless somebody
  /// looks at all.
  [[nodiscard]] PerModality<bool> needed(const detail::StageFeatures& features) const {
    auto needed = features.missing();
    const bool needs_all = method::detail::needs(step_.method()).inputs || (teachers_ && teachers_->needs_inputs);
    for (std::size_t m = 0; m < needed.size(); ++m)
      needed[m] = needs_all || (needed[m] && !step_.plan().controls[m].skipped);
    return needed;
  }

  /// What is known of a batch before its step; encoders that stand still are run here for the first time.
  [[nodiscard]] PerModality<at::Tensor> known_features(const Batch& batch, const at::Tensor& rows,
                                                       detail::StageFeatures& known) {
    return known.features(rows, [&](std::size_t m) {
      const at::NoGradGuard no_grad;
      const detail::ModeScope evaluation(*student_.encoder(m).module(), /*training=*/false);
      step_.count_forwards(m, batch.size());
      return student_.encode_present(m, batch.inputs[m], batch.present);
    });
  }

  /// Lets the method look at data before it plans the epoch; gives back the seconds that it took.
  template <class Train, class Validation>
  double prepare(const Train& train, const Validation& validation, std::int64_t epoch, const History& history) {
    if (!method::detail::prepares(step_.method())) return 0.0;
    const auto begin = std::chrono::steady_clock::now();
    using Run = detail::TrainerRun<Student, Task, Step<Student, Method>, Train, Validation>;
    std::optional<method::ValidationResult> last;
    if (!history.epochs.empty()) last = detail::validation_result(history.epochs.back().validation);
    Run run(student_, task_, step_, train, validation,
            {epoch, options_.num_epochs, options_.seed, options_.evaluation_batch_size}, std::move(last),
            [&](std::int64_t trial_epoch) { run_trial_epoch(train, epoch, trial_epoch); });
    const detail::ModeScope evaluation(student_, /*training=*/false);
    step_.prepare(run);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  /// An epoch of steps that nobody hears of, as it is planned.
  template <class Dataset>
  void run_trial_epoch(const Dataset& train, std::int64_t epoch, std::int64_t trial_epoch) {
    const auto seed = mix_seed(options_.seed, static_cast<std::uint64_t>(trial_epoch));
    const auto batches = detail::epoch_batches(step_.plan().samples, train.size(), options_.batch_size, seed, epoch);
    auto stream = data::stream(train, batches.rows, epoch);
    step_.set_learning_rate_factor(learning_rate_factor(epoch));
    for (std::size_t i = 0; i < batches.rows.size() && !options_.stop.stop_requested(); ++i) {
      auto batch = data::to_device(stream.next(), device());
      batches.hide(batch, i);
      (void)run_step(batch);
    }
  }

  [[nodiscard]] double learning_rate_factor(std::int64_t epoch) const {
    const auto& span = step_.plan().learning_rate_span;
    return span ? options_.learning_rate(epoch - span->first, span->num_epochs)
                : options_.learning_rate(epoch, options_.num_epochs);
  }

  template <class Dataset>
  EpochReport run_epoch(const Dataset& train, std::int64_t epoch, detail::StageFeatures& features, History& history) {
    const auto begin = std::chrono::steady_clock::now();
    step_.set_learning_rate_factor(learning_rate_factor(epoch));
    EpochReport report;
    report.epoch = epoch;
    report.num_epochs = options_.num_epochs;
    report.stage = stage_name();
    report.learning_rate = step_.learning_rate();
    detail::LossMeter meter;
    const auto batches =
        detail::epoch_batches(step_.plan().samples, train.size(), options_.batch_size, options_.seed, epoch);
    auto stream = data::stream_reading(needed(features), train, batches.rows, epoch);
    for (std::size_t i = 0; i < batches.rows.size(); ++i) {
      if (options_.stop.stop_requested()) {
        history.was_interrupted = true;
        return report;
      }
      auto batch = data::to_device(stream.next(), device());
      batches.hide(batch, i);
      report.num_samples += batch.size();
      meter.add(run_step(batch, known_features(batch, batches.rows[i], features)), student_.names());
      const StepReport step{epoch, options_.num_epochs, static_cast<std::int64_t>(i) + 1,
                            static_cast<std::int64_t>(batches.rows.size())};
      for (const auto& callback : options_.on_step) callback(step);
    }
    report.losses = meter.means();
    report.num_steps = static_cast<std::int64_t>(batches.rows.size());
    report.num_skipped = meter.num_skipped();
    report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    return report;
  }

  StepResult run_step(const Batch& batch, const PerModality<at::Tensor>& known_features = {}) {
    if (!teachers_) return step_(batch, nullptr, known_features);
    const bool hears_logits = !teachers_->without_logits || step_.needs_teacher_logits(batch);
    const auto outputs = hears_logits ? teachers_->outputs(batch) : teachers_->without_logits(batch);
    return step_(batch, &outputs, known_features);
  }

  Student& student_;
  Task task_;
  TrainerOptions options_;
  std::optional<TeacherSource> teachers_;
  Step<Student, Method> step_;
  bool has_run_ = false;
};

}  // namespace g2d
