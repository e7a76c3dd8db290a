// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Trains teachers, then students, on digits that are heard and seen, and compares the methods on the test split.
//
//   train_digits                        made-up digits, no download, minutes
//   train_digits --data DIR             MNIST's IDX files and the Free Spoken Digit recordings
//   train_digits --data DIR --seeds 0 1 2 3 4 --methods joint g2d
//
// Prints the confidence rho of the teachers by every measure, a table of test results, and paired differences between the
// methods; writes results.csv, results.json and the weights of the teachers and of the last student to the folder --out.

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <limits>
#include <nlohmann/json.hpp>

#include <g2d/io/weights.hpp>
#include <g2d/teacher/confidence_report.hpp>
#include <g2d/train/cross_fit.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/train_teacher.hpp>
#include <g2d/train/progress_bar.hpp>
#include <g2d/train/trainer.hpp>
#include <g2d/version.hpp>

#include "support/digits_data.hpp"
#include "support/digits_methods.hpp"
#include "support/digits_results.hpp"
#include "support/digits_settings.hpp"
#include "support/stop_on_interrupt.hpp"

namespace {

using Task = g2d::task::Classification;

struct Interrupted {};

g2d::optimizer::Settings optimizer_settings(const DigitsSettings& settings) {
  if (settings.optimizer == "adam") {
    return g2d::optimizer::Adam{.learning_rate = settings.learning_rate, .weight_decay = settings.weight_decay};
  }
  if (settings.optimizer == "adamw") {
    return g2d::optimizer::AdamW{.learning_rate = settings.learning_rate, .weight_decay = settings.weight_decay};
  }
  return g2d::optimizer::Sgd{.learning_rate = settings.learning_rate, .momentum = settings.momentum,
                             .weight_decay = settings.weight_decay};
}

g2d::TrainerOptions trainer_options(const DigitsSettings& settings, std::int64_t epochs, std::uint64_t seed,
                                    const std::string& label, const std::stop_token& stop) {
  g2d::TrainerOptions options{.optimizer = optimizer_settings(settings), .num_epochs = epochs, .batch_size = settings.batch_size,
                              .seed = seed};
  options.learning_rate = g2d::learning_rate::drop_after(settings.drop_after);
  options.selection = settings.selection == "last" ? g2d::Selection::Last : g2d::Selection::BestValidation;
  options.stop = stop;
  g2d::ProgressBar::attach(options, fmt::format("seed {} {:<13}", seed, label));
  return options;
}

/// Everything that one seed decides: data, teachers, students.
class Experiment {
 public:
  Experiment(const DigitsSettings& settings, std::uint64_t seed, std::stop_token stop, DigitsResults& results)
      : settings_(settings),
        seed_(seed),
        stop_(std::move(stop)),
        results_(results),
        device_(settings.device),
        data_(load_digits(settings, seed, device_)) {}

  /// Trains the teachers and reads them out on the training split.
  void teach() {
    std::vector<g2d::Teacher> teachers;
    for (std::size_t m = 0; m < names().size(); ++m) teachers.push_back(teach_one(m));
    teachers_.emplace(names(), std::move(teachers));
    add_ensemble();
    cache_.emplace(g2d::TeacherCache::precompute(*teachers_, data_.splits.train, task_));
    fmt::print("seed {}: teachers precomputed on {} samples in {:.1f} s\n", seed_, cache_->size(), cache_->seconds());
  }

  /// rho by every measure asked for, and the order that each gives.
  void measure_confidence() {
    report_.emplace(names());
    report_->add(g2d::ConfidenceMeasure::Training, cache_->confidence());
    report_->add(g2d::ConfidenceMeasure::HeldOut,
                 g2d::TeacherCache::precompute(*teachers_, data_.splits.validation, task_).confidence());
    if (settings_.cross_fit) {
      at::manual_seed(seed_);
      const auto options = trainer_options(settings_, settings_.epochs_of_teachers(), seed_, "cross-fitting", stop_);
      auto confidence = g2d::cross_fitted_confidence([&](std::size_t) { return to_device(make_encoder(settings_)); },
                                                     data_.splits.train, task_, num_digits, options);
      if (confidence.empty()) throw Interrupted{};
      report_->add(g2d::ConfidenceMeasure::CrossFitted, std::move(confidence));
    }
    for (const auto& [measure, confidence] : report_->entries()) {
      fmt::print("  rho, {:<12}", to_string(measure));
      for (std::size_t m = 0; m < names().size(); ++m) fmt::print("  {} {:.4f}", names()[m], confidence[m]);
      fmt::print("   order: {}\n", report_->order(confidence));
    }
    if (const auto warning = report_->disagreement()) fmt::print("  warning: {}\n", *warning);
  }

  /// Trains one student, and reads the test split once.
  void train(const std::string& method) {
    // One seed, one set of first weights: the methods differ in nothing else.
    at::manual_seed(seed_);
    std::vector<g2d::Encoder> encoders;
    std::vector<std::int64_t> widths;
    for (std::size_t m = 0; m < names().size(); ++m) {
      encoders.push_back(make_encoder(settings_));
      widths.push_back(encoders.back().feature_width());
    }
    const g2d::FusionShape shape(names(), widths, num_digits);
    auto fusion = g2d::fusion::make(settings_.fusion, shape);
    auto readout = g2d::readout::make(method == "multi-task" ? "own-heads" : settings_.readout, shape);
    student_ = std::make_shared<g2d::AnyStudent>(std::move(fusion), std::move(encoders), std::move(readout));
    student_->to(device_);

    const auto epochs = settings_.epochs + (method == "joint-total" ? settings_.epochs_of_teachers() : 0);
    g2d::Trainer trainer(*student_, make_method(settings_, method), task_,
                         trainer_options(settings_, epochs, seed_, method, stop_), source());
    const auto history = trainer.fit(data_.splits.train, data_.splits.validation);
    if (history.was_interrupted) throw Interrupted{};
    const auto test = g2d::evaluate(*student_, data_.splits.test, task_);
    std::vector<double> unimodal;
    for (const auto& metrics : test.unimodal) unimodal.push_back(metrics[0].value);
    results_.rows.push_back({seed_, method, test.fused[0].value, test.fused[1].value, unimodal, epochs, history.seconds});
  }

  [[nodiscard]] nlohmann::json confidence() const {
    nlohmann::json all;
    for (const auto& [measure, values] : report_->entries()) {
      for (std::size_t m = 0; m < names().size(); ++m) all[std::string(to_string(measure))][names()[m]] = values[m];
      all[std::string(to_string(measure))]["order"] = report_->order(values);
    }
    return all;
  }
  [[nodiscard]] const DigitsData& data() const { return data_; }
  [[nodiscard]] g2d::AnyStudent& student() { return *student_; }

 private:
  [[nodiscard]] const g2d::ModalityNames& names() const { return data_.splits.train.names(); }

  [[nodiscard]] g2d::Encoder to_device(g2d::Encoder encoder) const {
    encoder.module()->to(device_);
    return encoder;
  }

  g2d::Teacher teach_one(std::size_t m) {
    at::manual_seed(seed_ + 1000 * (m + 1));
    const auto label = names()[m] + " teacher";
    auto model = g2d::make_unimodal_model(names()[m], make_encoder(settings_), num_digits);
    model->to(device_);
    const auto file = fmt::format("teacher-{}-seed{}.safetensors", names()[m], seed_);
    double seconds = 0.0;
    if (settings_.teachers.empty()) {
      const auto trained = g2d::train_teacher(model, data_.splits.train, data_.splits.validation, m, task_,
                                              trainer_options(settings_, settings_.epochs_of_teachers(), seed_, label, stop_));
      if (trained.history.was_interrupted) throw Interrupted{};
      seconds = trained.history.seconds;
      g2d::io::save_weights(*model, std::filesystem::path(settings_.out) / file);
    } else {
      g2d::io::load_weights(*model, std::filesystem::path(settings_.teachers) / file);
    }
    const auto test = g2d::evaluate(*model, g2d::data::SingleModality(data_.splits.test, m), task_);
    std::vector<double> unimodal(names().size(), std::numeric_limits<double>::quiet_NaN());
    unimodal[m] = test.fused[0].value;
    results_.rows.push_back({seed_, label, test.fused[0].value, test.fused[1].value, unimodal, settings_.epochs_of_teachers(), seconds});
    return g2d::Teacher::of(model);
  }

  /// The mean of the teachers' logits: what no training of a student should lose against.
  void add_ensemble() {
    const auto& test = data_.splits.test.all();
    const auto outputs = (*teachers_)(test, task_);
    const auto logits = at::stack(at::TensorList(outputs.logits.data(), outputs.logits.size())).mean(0);
    const auto metrics = g2d::metrics::measure(task_, logits, test.target);
    const std::vector<double> unimodal(names().size(), std::numeric_limits<double>::quiet_NaN());
    results_.rows.push_back({seed_, "teachers' mean", metrics[0].value, metrics[1].value, unimodal, 0, 0.0});
  }

  [[nodiscard]] g2d::TeacherSource source() const {
    using g2d::ConfidenceMeasure;
    const auto measure = settings_.confidence == "held-out"       ? ConfidenceMeasure::HeldOut
                         : settings_.confidence == "cross-fitted" ? ConfidenceMeasure::CrossFitted
                                                                  : ConfidenceMeasure::Training;
    return cache_->source(report_->at(measure));
  }

  const DigitsSettings& settings_;
  std::uint64_t seed_;
  std::stop_token stop_;
  DigitsResults& results_;
  at::Device device_;
  DigitsData data_;
  Task task_;
  std::optional<g2d::Teachers> teachers_;
  std::optional<g2d::TeacherCache> cache_;
  std::optional<g2d::ConfidenceReport> report_;
  std::shared_ptr<g2d::AnyStudent> student_;
};

int run(const CLI::App& app, const DigitsSettings& settings, const std::stop_token& stop) {
  check_methods(settings);
  const std::filesystem::path out(settings.out);
  std::error_code error;
  std::filesystem::create_directories(out, error);
  if (error) throw g2d::DataError(fmt::format("--out {}: expected a folder that can be made, got: {}", settings.out, error.message()));
  DigitsResults results{{"audio", "image"}, {}};
  nlohmann::json seeds;
  bool was_interrupted = false;
  for (const auto seed : settings.seeds) {
    try {
      Experiment experiment(settings, seed, stop, results);
      fmt::print("seed {}: {}\n", seed, experiment.data().description);
      experiment.teach();
      experiment.measure_confidence();
      for (const auto& method : settings.methods) experiment.train(method);
      seeds[std::to_string(seed)] = {{"data", experiment.data().description}, {"rho", experiment.confidence()}};
      g2d::io::save_weights(experiment.student(), out / "student.safetensors");
    } catch (const Interrupted&) {
      was_interrupted = true;
      break;
    }
  }
  if (results.rows.empty()) return 130;
  fmt::print("\n{}\n{}", table(results), comparisons(results));
  write_file(out / "results.csv", csv(results));
  const nlohmann::json report{{"g2d", G2D_VERSION}, {"settings", app.config_to_str(true)}, {"threads", at::get_num_threads()},
                              {"seeds", seeds},     {"results", to_json(results)},       {"interrupted", was_interrupted}};
  write_file(out / "results.json", report.dump(1) + "\n");
  fmt::print("\nwritten: {}/results.csv, results.json{}\n", settings.out, was_interrupted ? "" : ", student.safetensors");
  return was_interrupted ? 130 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  DigitsSettings settings;
  CLI::App app("Trains G2D and its baselines on audio-visual digits.");
  add_data_options(app, settings);
  add_method_options(app, settings);
  add_training_options(app, settings);
  CLI11_PARSE(app, argc, argv);
  apply_defaults(app, settings);
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // In a log file, lines appear as they are printed.
  const StopOnInterrupt interrupt;
  try {
    if (settings.threads > 0) at::set_num_threads(settings.threads);
    fmt::print("g2d {}, {} threads, device {}\n", G2D_VERSION, at::get_num_threads(), settings.device);
    return run(app, settings, interrupt.token());
  } catch (const c10::Error& error) {
    fmt::print(stderr, "error: {}\n", error.what_without_backtrace());
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
  }
  return 1;
}
