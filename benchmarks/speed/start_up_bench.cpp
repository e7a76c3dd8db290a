// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// From the start of a process to its first training step, with the teachers' outputs read from a cache file. The
// program starts itself; what only loads LibTorch is beside it.
//
//   start_up_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/ops/arange.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <g2d/data/in_memory.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/step.hpp>

#include "support/bench_report.hpp"
#include "support/child_process.hpp"
#include "support/problem.hpp"

namespace {

using Task = g2d::task::Classification;
using Encoder = MlpProblem::Encoder;
using Unimodal = g2d::Student<g2d::fusion::Late, Encoder>;

const g2d::ModalityNames names{"audio", "image"};

g2d::data::InMemory make_dataset(std::int64_t num_samples) {
  at::manual_seed(0);
  auto batch = make_bench_batch<MlpProblem>(num_samples);
  return {names, std::move(batch.inputs), std::move(batch.target)};
}

g2d::Teachers make_teachers() {
  at::manual_seed(1);
  std::vector<g2d::Teacher> teachers;
  for (std::size_t m = 0; m < names.size(); ++m) {
    teachers.push_back(g2d::Teacher::of(
        std::make_shared<Unimodal>(g2d::ModalityNames{names[m]}, bench_classes, MlpProblem::make_encoder(m))));
  }
  return {names, std::move(teachers)};
}

g2d::TeacherCache make_cache(const g2d::data::InMemory& dataset, const std::string& file) {
  return g2d::TeacherCache::precompute(make_teachers(), dataset, Task(), {.batch_size = 1024, .file = file});
}

template <class Student>
void take_step(Student& student, const g2d::Batch& batch, const g2d::TeacherSource& source) {
  g2d::Step step(student, g2d::method::G2d<Task>(), {.num_epochs = 3}, source.summary);
  const auto teachers = source.outputs(batch);
  (void)step(batch, &teachers);
}

/// What the child does before it says that it is there.
void start_up(std::string_view mode, std::int64_t num_samples, const std::string& file) {
  if (mode == "load") return;
  if (mode == "cached") {
    const auto dataset = make_dataset(num_samples);
    const auto cache = make_cache(dataset, file);
    if (!cache.was_reused()) throw std::runtime_error("expected a cache file to read, got one to write");
    const auto student = make_bench_student<MlpProblem>();
    take_step(*student, dataset.batch(at::arange(16)), cache.source());
    return;
  }
  const auto student = make_bench_student<MlpProblem>();
  take_step(*student, make_bench_batch<MlpProblem>(16),
            {[&](const g2d::Batch& batch) { return make_bench_teachers(*student, batch.size()); },
             make_bench_summary(*student, {0.5, 0.6})});
}

struct Start {
  std::string mode;
  std::int64_t num_samples;
  std::string file;

  /// From here until the child says that it is done.
  void operator()() const {
    ChildProcess child({std::filesystem::read_symlink("/proc/self/exe"), "--start-up", mode,
                        std::to_string(num_samples), file, std::to_string(at::get_num_threads())});
    if (child.read_line() != "done") throw std::runtime_error("start_up: the child process failed");
  }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc == 6 && std::string_view(argv[1]) == "--start-up") {
    at::set_num_threads(std::stoi(argv[5]));
    start_up(argv[2], std::stoll(argv[3]), argv[4]);
    std::puts("done");
    std::fflush(stdout);
    std::_Exit(0);  // Start-up is timed, taking LibTorch down is not.
  }
  const auto options = read_bench_options(argc, argv);
  BenchReport report("start_up", options);
  const std::int64_t num_samples = options.is_smoke ? 200 : 50000;
  const std::string file = std::filesystem::temp_directory_path() / fmt::format("g2d-start-up-{}", ::getpid());
  const auto dataset = make_dataset(num_samples);
  (void)make_cache(dataset, file);
  const Start load{"load", 0, ""}, bare{"bare", 0, ""}, cached{"cached", num_samples, file};
  report.add_time_ratio("process start to first step", "step", "LibTorch alone",
                        time_pairs(bare, load, options.pairs(15)));
  report.add_time_ratio(fmt::format("process start to first step, cache file of {} samples", num_samples), "step",
                        "LibTorch alone", time_pairs(cached, load, options.pairs(15)));
  const auto bytes = static_cast<double>(std::filesystem::file_size(file));
  const double seconds = seconds_of([&] { (void)make_cache(dataset, file); }, options.is_smoke ? 1 : 20);
  report.add_value(fmt::format("opening a cache file of {:.3g} MiB again", bytes / 1048576.0), 1e3 * seconds, "ms");
  std::filesystem::remove(file);
}
