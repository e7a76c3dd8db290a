// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Peak memory of a G2D step, and of a training through all stages with known features, against joint training of the
// same model; and growth of resident memory over a thousand steps and many epochs. The teachers' rows of the batch
// count; the mapped cache they come from does not.
//
//   step_memory_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <optional>
#include <utility>

#include <g2d/method/g2d.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/trainer.hpp>

#include "support/bench_report.hpp"
#include "support/memory.hpp"
#include "support/problem.hpp"

namespace {

using Task = g2d::task::Classification;
using JointG2d = g2d::method::G2d<Task, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;

constexpr double mebibyte = 1048576.0;
// A heap that has settled still wins and loses pages; what leaks in every step comes to far more.
constexpr double flat_mebibytes = 0.5;

/// Everything is made inside: model, optimizer state, batch.
template <class Method>
double peak_of_steps(std::int64_t batch_size, bool with_teachers) {
  return static_cast<double>(peak_bytes([&] {
    const auto student = make_bench_student<ResNetProblem>();
    const auto batch = make_bench_batch<ResNetProblem>(batch_size);
    std::optional<g2d::TeacherSummary> summary;
    if (with_teachers) summary = make_bench_summary(*student, {0.5, 0.6});
    g2d::Step step(*student, Method(), {.num_epochs = 3}, summary);
    for (int i = 0; i < 3; ++i) {
      const auto teachers = with_teachers ? make_bench_teachers(*student, batch_size) : g2d::TeacherOutputs{};
      (void)step(batch, &teachers);
    }
  }));
}

/// As made up as the batches are.
template <class Student>
g2d::TeacherSource make_source(const Student& student, g2d::PerModality<double> confidence) {
  return {[&student](const g2d::Batch& batch) { return make_bench_teachers(student, batch.size()); },
          make_bench_summary(student, std::move(confidence))};
}

/// One epoch a stage, or three of joint training; data, evaluation and the tables of known features count.
template <class Method>
double peak_of_training(std::int64_t batch_size, bool with_teachers) {
  return static_cast<double>(peak_bytes([&] {
    const auto student = make_bench_student<ResNetProblem>();
    const auto train = make_bench_dataset<ResNetProblem>(2 * batch_size),
               validation = make_bench_dataset<ResNetProblem>(batch_size);
    g2d::TrainerOptions options{.num_epochs = 3, .batch_size = batch_size};
    options.evaluation_batch_size = batch_size;
    const auto teachers = with_teachers ? std::optional(make_source(*student, {0.5, 0.6})) : std::nullopt;
    g2d::Trainer trainer(*student, Method(), Task(), options, teachers);
    (void)trainer.fit(train, validation);
  }));
}

void compare_peaks(BenchReport& report, std::int64_t batch_size) {
  const auto joint = peak_of_steps<g2d::method::JointTraining<Task>>(batch_size, false);
  const auto all = peak_of_steps<JointG2d>(batch_size, true);
  const auto alone = peak_of_steps<g2d::method::G2d<Task>>(batch_size, true);
  report.add_value(fmt::format("joint training, {}, batch {}: peak", ResNetProblem::name, batch_size), joint / mebibyte,
                   "MiB");
  report.add_value("G2D, all modalities, peak / joint training's", all / joint, "times", at_most(1.01));
  report.add_value("G2D, one modality alone, peak / joint training's", alone / joint, "times");
  const auto joint_training = peak_of_training<g2d::method::JointTraining<Task>>(batch_size, false);
  const auto stages = peak_of_training<g2d::method::G2d<Task>>(batch_size, true);
  report.add_value("Trainer, joint training: peak", joint_training / mebibyte, "MiB");
  report.add_value("Trainer, G2D through all stages, peak / joint training's", stages / joint_training, "times",
                   at_most(1.01));
}

/// The growth of resident memory over calls `from` to `to` of `work`.
template <class Work>
double growth_in_mebibytes(std::int64_t from, std::int64_t to, Work&& work) {
  for (std::int64_t i = 0; i < from; ++i) work();
  const auto before = resident_bytes();
  for (std::int64_t i = from; i < to; ++i) work();
  return static_cast<double>(resident_bytes() - before) / mebibyte;
}

void measure_steps(BenchReport& report, bool is_smoke) {
  const std::int64_t from = is_smoke ? 2 : 200, to = is_smoke ? 4 : 1200;
  const auto student = make_bench_student<MlpProblem>();
  const auto batch = make_bench_batch<MlpProblem>(16);
  const auto teachers = make_bench_teachers(*student, 16);
  g2d::Step step(*student, JointG2d(), {}, make_bench_summary(*student, {0.5, 0.5}));
  const auto growth = growth_in_mebibytes(from, to, [&] { (void)step(batch, &teachers); });
  report.add_value(fmt::format("growth, steps {} to {} of {}", from, to, MlpProblem::name), growth, "MiB",
                   at_most(flat_mebibytes));
}

void measure_epochs(BenchReport& report, bool is_smoke) {
  const std::int64_t from = is_smoke ? 2 : 40, to = is_smoke ? 4 : 200;
  const auto student = make_bench_student<MlpProblem>();
  const auto train = make_bench_dataset<MlpProblem>(160), validation = make_bench_dataset<MlpProblem>(80);
  std::int64_t resident = 0, heap = 0;
  // One stage, so that a stage that begins does not count as growth.
  g2d::TrainerOptions options{.num_epochs = to};
  options.on_epoch.push_back([&](const g2d::EpochReport& epoch) {
    if (epoch.epoch + 1 != from && epoch.epoch + 1 != to) return;
    resident = resident_bytes() - resident;
    heap = heap_bytes() - heap;
  });
  g2d::Trainer trainer(*student, JointG2d(), Task(), options, make_source(*student, {0.5, 0.6}));
  (void)trainer.fit(train, validation);
  const auto per_epoch = [&](std::int64_t bytes) {
    return static_cast<double>(bytes) / 1024.0 / static_cast<double>(to - from);
  };
  const auto what = fmt::format("growth an epoch, epochs {} to {} of Trainer", from, to);
  report.add_value(what, per_epoch(resident), "KiB");
  // History keeps a report of some 1.2 KiB.
  report.add_value(what + ", heap in use", per_epoch(heap), "KiB", at_most(2.0));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("step_memory", options);
  // Growth first: the large model leaves pages behind, in which a leak could hide.
  measure_steps(report, options.is_smoke);
  measure_epochs(report, options.is_smoke);
  compare_peaks(report, options.is_smoke ? 2 : 16);
}
