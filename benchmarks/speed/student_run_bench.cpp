// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// The whole training of a student, each modality alone for a third of the epochs and then both, against the authors'
// way: seconds in all, seconds to the same validation accuracy, what both know in the end of samples that neither saw,
// and joules where they can be read. Each pair of runs has weights and an order of its own, the same on both sides; who
// goes first alternates. Counted are the teachers' precomputation, the stages' first passes and the validation of every
// epoch; the teachers are trained before, and the test comes after. The authors' ResNet-18 is plain layers, in the same
// layouts.
//
//   student_run_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/dataset/synthetic_digits.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/report/statistics.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/train_teacher.hpp>
#include <g2d/train/trainer.hpp>

#include "baseline/authors_step.hpp"
#include "baseline/plain_resnet18.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/energy.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"
#include "support/roofline.hpp"

namespace {

using Task = g2d::task::Classification;

/// What is learnt, and how long.
struct Workload {
  std::string name;
  g2d::data::InMemory train, validation, test;
  std::int64_t batch_size, epochs, teacher_epochs;
  double learning_rate;
  std::optional<Aim> aim = {};           ///< Of the speed-up in all.
  std::optional<Aim> bfloat16_aim = {};  ///< The same in bfloat16; without one it is not compared.
};

/// A picture for each class and modality under noise: 128 samples are enough to learn much of it, not all.
g2d::data::InMemory make_pictures(std::int64_t num_samples, std::uint64_t seed) {
  at::manual_seed(1);
  g2d::PerModality<at::Tensor> pictures;
  for (std::size_t m = 0; m < 2; ++m) {
    auto sizes = ResNetProblem::input_sizes(m);
    sizes.insert(sizes.begin(), bench_classes);
    pictures.push_back(at::randn(sizes));
  }
  at::manual_seed(100 + seed);
  const auto labels = at::arange(num_samples, at::kLong).remainder(bench_classes);
  g2d::PerModality<g2d::Input> inputs;
  for (std::size_t m = 0; m < 2; ++m) {
    const auto clean = pictures[m].index_select(0, labels);
    inputs.emplace_back(clean.add(at::randn_like(clean), m == 0 ? 3.0 : 1.5));
  }
  return {bench_names(), std::move(inputs), labels};
}

Workload pictures(bool is_smoke) {
  const std::int64_t train = is_smoke ? 8 : 128, validation = is_smoke ? 4 : 32, test = is_smoke ? 4 : 256;
  return {.name = ResNetProblem::name,
          .train = make_pictures(train, 0),
          .validation = make_pictures(validation, 1),
          .test = make_pictures(test, 2),
          .batch_size = is_smoke ? 4 : 16,
          .epochs = is_smoke ? 3 : 30,
          .teacher_epochs = is_smoke ? 1 : 4,
          .learning_rate = 0.002,
          .aim = at_least(2.0),
          .bfloat16_aim = at_least(3.5)};
}

g2d::data::InMemory in_memory(const g2d::dataset::AudioVisualSplit& split) {
  return {bench_names(), {split.audio, split.image}, split.labels};
}

Workload digits(bool is_smoke) {
  const auto made =
      g2d::dataset::make_synthetic_digits({.samples = is_smoke ? g2d::data::Splits<std::int64_t>{40, 20, 20}
                                                               : g2d::data::Splits<std::int64_t>{1000, 250, 1000}});
  return {.name = "made-up digits, small CNN",
          .train = in_memory(made.splits.train),
          .validation = in_memory(made.splits.validation),
          .test = in_memory(made.splits.test),
          .batch_size = 16,
          .epochs = is_smoke ? 3 : 30,
          .teacher_epochs = is_smoke ? 1 : 10,
          .learning_rate = 0.01};
}

/// A training: when each epoch was done, and what the student then knew.
struct Run {
  std::vector<double> seconds, accuracies;
  double test_accuracy = 0.0;  ///< Of the last epoch's weights.
  std::optional<double> joules;

  [[nodiscard]] double best() const { return *std::max_element(accuracies.begin(), accuracies.end()); }
  [[nodiscard]] double seconds_to(double accuracy) const {
    const auto first =
        std::find_if(accuracies.begin(), accuracies.end(), [&](double reached) { return reached >= accuracy; });
    return seconds[static_cast<std::size_t>(first - accuracies.begin())];
  }
};

/// Writes a run down while it goes.
class Recorder {
 public:
  void end_epoch(double accuracy) {
    run_.seconds.push_back(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count());
    run_.accuracies.push_back(accuracy);
  }
  /// Stops the meters before `test` is called for its accuracy.
  template <class Test>
  [[nodiscard]] Run finish(Test&& test) {
    run_.joules = energy_.joules();
    run_.test_accuracy = test();
    return run_;
  }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  EnergyMeter energy_;
  Run run_;
};

template <class Problem>
class Comparison {
  using Encoder = typename Problem::Encoder;
  using Student = g2d::BasicStudent<g2d::fusion::Late>;

 public:
  explicit Comparison(Workload workload) : workload_(std::move(workload)) {
    std::vector<g2d::Teacher> teachers;
    for (std::size_t m = 0; m < 2; ++m) {
      at::manual_seed(7 + m);
      const auto& name = workload_.train.names()[m];
      const auto model = g2d::make_unimodal_model(name, g2d::Encoder(Problem::make_encoder(m)), bench_classes);
      auto options = trainer_options(workload_.teacher_epochs);
      teachers.push_back(g2d::train_teacher(model, workload_.train, workload_.validation, m, task_, options).teacher);
      models_.push_back(unimodal_models_of<Encoder>(*model)[0]);
    }
    teachers_.emplace(workload_.train.names(), std::move(teachers));
  }

  [[nodiscard]] const Workload& workload() const { return workload_; }

  [[nodiscard]] Run with_g2d(g2d::Precision precision, std::uint64_t seed) const {
    const auto student = make_student(precision, seed);
    Recorder recorder;
    const auto cache = g2d::TeacherCache::precompute(*teachers_, workload_.train, task_, {.precision = precision});
    auto options = trainer_options(workload_.epochs);
    options.seed = seed;
    options.on_epoch.push_back(
        [&](const g2d::EpochReport& epoch) { recorder.end_epoch(epoch.validation.fused[0].value); });
    // The audio's teacher is the surer one: its modality waits in the first third.
    g2d::Trainer trainer(*student, g2d::method::G2d<Task>(), task_, options, cache.source({0.9, 0.1}));
    (void)trainer.fit(workload_.train, workload_.validation);
    return recorder.finish(
        [&] { return g2d::evaluate(*student, workload_.test, task_, evaluation_batch_size).fused[0].value; });
  }

  [[nodiscard]] Run as_the_authors(std::uint64_t seed) const {
    const auto student = make_student(g2d::Precision::Full, seed);
    AuthorsStep step(in_plain_layers(model_of<Encoder>(*student)), in_plain_layers(models_), workload_.learning_rate);
    Recorder recorder;
    for (std::int64_t epoch = 0; epoch < workload_.epochs; ++epoch) {
      const auto third = static_cast<std::size_t>(3 * epoch / workload_.epochs);
      step.learns_alone(third < 2 ? std::optional(1 - third) : std::nullopt);
      for (const auto& rows : g2d::data::shuffled_batches(workload_.train.size(), workload_.batch_size, seed, epoch)) {
        (void)step(workload_.train.batch(rows));
      }
      recorder.end_epoch(accuracy_of(step, workload_.validation));
    }
    return recorder.finish([&] { return accuracy_of(step, workload_.test); });
  }

 private:
  static constexpr std::int64_t evaluation_batch_size = 64;

  [[nodiscard]] std::shared_ptr<Student> make_student(g2d::Precision precision, std::uint64_t seed) const {
    at::manual_seed(seed);
    std::vector<g2d::Encoder> encoders;
    for (std::size_t m = 0; m < 2; ++m)
      encoders.emplace_back(Problem::make_encoder(m), g2d::EncoderOptions{.precision = precision});
    const auto width = encoders[0].feature_width();
    const g2d::FusionShape shape(workload_.train.names(), {width, width}, bench_classes);
    return std::make_shared<Student>(g2d::fusion::Late(shape), std::move(encoders));
  }

  template <class Step>
  [[nodiscard]] static double accuracy_of(Step& step, const g2d::data::InMemory& samples) {
    std::int64_t num_right = 0;
    for (const auto& rows : g2d::data::ordered_batches(samples.size(), evaluation_batch_size))
      num_right += step.num_right(samples.batch(rows));
    return static_cast<double>(num_right) / static_cast<double>(samples.size());
  }

  [[nodiscard]] g2d::TrainerOptions trainer_options(std::int64_t epochs) const {
    g2d::TrainerOptions options{
        .num_epochs = epochs, .batch_size = workload_.batch_size, .selection = g2d::Selection::Last};
    options.optimizer = g2d::optimizer::Sgd{.learning_rate = workload_.learning_rate};
    options.evaluation_batch_size = evaluation_batch_size;
    return options;
  }

  Workload workload_;
  Task task_;
  std::vector<UnimodalModel<Encoder>> models_;
  std::optional<g2d::Teachers> teachers_;
};

void report_joules(BenchReport& report, const std::string& name, const Run& ours, const Run& theirs) {
  if (!ours.joules || !theirs.joules) {
    fmt::print("  {}: joules cannot be read on this machine\n", name);
    return;
  }
  report.add_value(name + ", g2d: energy of the processor", *ours.joules, "J");
  report.add_value(name + ", authors: energy of the processor", *theirs.joules, "J");
}

/// The runs of one seed.
struct Pair {
  Run ours, theirs;

  [[nodiscard]] double shared_accuracy() const { return std::min(ours.best(), theirs.best()); }
};

template <class Problem>
std::vector<Pair> run_pairs(const Comparison<Problem>& comparison, g2d::Precision precision, std::int64_t count) {
  std::vector<Pair> pairs;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto seed = static_cast<std::uint64_t>(i);
    Pair pair;
    if (i % 2 == 0) pair.ours = comparison.with_g2d(precision, seed);
    pair.theirs = comparison.as_the_authors(seed);
    if (i % 2 != 0) pair.ours = comparison.with_g2d(precision, seed);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

template <class Value>
std::vector<double> values_of(const std::vector<Pair>& pairs, Value&& value) {
  std::vector<double> values;
  for (const auto& pair : pairs) values.push_back(value(pair));
  return values;
}

void report_accuracies(BenchReport& report, const std::string& name, const std::vector<Pair>& pairs) {
  const auto mean_of = [&](auto&& value) { return g2d::report::mean(values_of(pairs, value)); };
  report.add_value(name + ", g2d: test accuracy",
                   100.0 * mean_of([](const Pair& pair) { return pair.ours.test_accuracy; }), "%");
  report.add_value(name + ", authors: test accuracy",
                   100.0 * mean_of([](const Pair& pair) { return pair.theirs.test_accuracy; }), "%");
  const auto points =
      values_of(pairs, [](const Pair& pair) { return 100.0 * (pair.ours.test_accuracy - pair.theirs.test_accuracy); });
  report.add_value(name + ", g2d's less the authors', mean", g2d::report::mean(points), "points");
  if (points.size() > 1)
    report.add_value(name + ", g2d's less the authors', standard deviation", g2d::report::standard_deviation(points),
                     "points");
}

template <class Problem>
void compare(BenchReport& report, const Comparison<Problem>& comparison, const std::string& precision_name,
             g2d::Precision precision, std::int64_t num_pairs, std::optional<Aim> aim) {
  const auto name = comparison.workload().name + ", " + precision_name;
  const auto pairs = run_pairs(comparison, precision, num_pairs);
  const auto in_all = paired_timing(values_of(pairs, [](const Pair& pair) { return pair.ours.seconds.back(); }),
                                    values_of(pairs, [](const Pair& pair) { return pair.theirs.seconds.back(); }));
  const auto to_accuracy =
      paired_timing(values_of(pairs, [](const Pair& pair) { return pair.ours.seconds_to(pair.shared_accuracy()); }),
                    values_of(pairs, [](const Pair& pair) { return pair.theirs.seconds_to(pair.shared_accuracy()); }));
  report.add_speedup(name + ", equal thirds", "g2d", "authors", in_all, aim);
  report.add_speedup(name + ", to the same validation accuracy", "g2d", "authors", to_accuracy);
  report_accuracies(report, name, pairs);
  report_joules(report, name, pairs.back().ours, pairs.back().theirs);
}

template <class Problem>
void compare(BenchReport& report, const BenchOptions& options, Workload workload) {
  const Comparison<Problem> comparison(std::move(workload));
  compare(report, comparison, "float32", g2d::Precision::Full, options.pairs(3), comparison.workload().aim);
  const auto bfloat16_aim = comparison.workload().bfloat16_aim;
  if (!bfloat16_aim || !can_compare_bfloat16(measure_rates())) return;
  compare(report, comparison, "bfloat16", g2d::Precision::BFloat16, options.pairs(3), bfloat16_aim);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("student_run", options);
  compare<CnnProblem>(report, options, digits(options.is_smoke));
  compare<ResNetProblem>(report, options, pictures(options.is_smoke));
}
