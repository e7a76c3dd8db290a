// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// A G2D step against the same step in Python eager with Python's torch: of the joint stage, and of the stage in which
// the audio's encoder is held back. That encoder runs without a graph on Python's side; on g2d's it runs so, too, or
// its features are known, as the trainer knows them from a stage's second epoch on. Python runs beside this program and
// steps in turn with it; both use fused SGD, and start from the same weights and data. The interpreter is G2D_PYTHON,
// or python3; without torch in it nothing is compared.
//
//   eager_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <g2d/method/g2d.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "support/bench_report.hpp"
#include "support/check_equal_losses.hpp"
#include "support/child_process.hpp"
#include "support/problem.hpp"

namespace {

/// benchmarks/python/eager_step.py, which waits for orders.
class PythonSide {
 public:
  explicit PythonSide(const std::string& python)
      : process_({python, G2D_EAGER_STEP, std::to_string(at::get_num_threads())}) {}

  /// The loss of the last of `count` steps of "problem order stage batch"; another than before starts anew.
  double steps(const std::string& which, std::int64_t count) {
    process_.write_line(fmt::format("{} {}", which, count));
    const auto answer = process_.read_line();
    if (!answer) throw std::runtime_error("eager: Python's side ended early");
    return std::stod(*answer);
  }

 private:
  ChildProcess process_;
};

/// What g2d does with the audio's encoder; Python trains it in the first, and runs it without a graph in the others.
enum class Audio { Learns, Runs, Known };

std::string to_string(Audio audio) {
  switch (audio) {
    case Audio::Learns:
      return "joint";
    case Audio::Runs:
      return "audio held back, run on both sides";
    default:
      return "audio held back, known to g2d, run by Python";
  }
}

struct Sizes {
  std::int64_t batch, pairs, steps;  ///< So many steps a sample; the question to Python then costs nothing that shows.
};

template <class Problem>
void compare(BenchReport& report, PythonSide& python, const std::string& problem, const std::string& order, Audio audio,
             Sizes sizes) {
  const auto student = make_bench_student<Problem>();
  const auto batch = make_bench_batch<Problem>(sizes.batch);
  const auto teachers = make_bench_teachers(*student, sizes.batch);
  // The surer teacher's modality waits in the first stage; in the third all learn.
  g2d::Step step(*student, g2d::method::G2d<g2d::task::Classification>(), {.num_epochs = 3},
                 make_bench_summary(*student, {0.9, 0.1}));
  step.begin_epoch(audio == Audio::Learns ? 2 : 0);
  g2d::PerModality<at::Tensor> known(2);
  if (audio == Audio::Known) known[0] = features_in_evaluation(*student, 0, batch);
  const auto take = [&] { return step(batch, &teachers, known).total; };
  const auto which =
      fmt::format("{} {} {} {}", problem, order, audio == Audio::Learns ? "joint" : "audio-held", sizes.batch);
  check_equal_losses("eager, the first step", take().template item<double>(), python.steps(which, 1), 1e-3);
  auto timing = time_pairs(
      [&] {
        for (std::int64_t i = 1; i < sizes.steps; ++i) (void)take();
        (void)take().template item<double>();
      },
      [&] { (void)python.steps(which, sizes.steps); }, sizes.pairs);
  timing.median_a /= static_cast<double>(sizes.steps);
  timing.median_b /= static_cast<double>(sizes.steps);
  report.add_speedup(fmt::format("{}, batch {}, {}, Python's layers {}", Problem::name, sizes.batch, to_string(audio),
                                 order == "plain" ? "plain" : "in the library's order"),
                     "g2d", "Python", timing, at_least(0.97));
}

/// Python's C library keeps freed memory as this program's does: else Python faults its memory in again in every step,
/// up to a quarter of the step's time, and the comparison is one of heaps.
void keep_memory_in_children() {
  ::setenv("GLIBC_TUNABLES", "glibc.malloc.trim_threshold=1073741824:glibc.malloc.mmap_threshold=1073741824", 1);
}

bool has_torch(const std::string& python) {
  ChildProcess process({python, "-c", "import importlib.util; print(importlib.util.find_spec('torch') is not None)"});
  return process.read_line() == "True";
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  const char* named = std::getenv("G2D_PYTHON");
  const std::string interpreter = named != nullptr ? named : "python3";
  keep_memory_in_children();
  BenchReport report("eager", options);
  if (!has_torch(interpreter)) {
    fmt::print("  nothing compared: {} has no torch; name one that has it in G2D_PYTHON\n", interpreter);
    return 0;
  }
  PythonSide python(interpreter);
  const std::int64_t batch_size = options.is_smoke ? 2 : 16;
  const auto steps = [&](std::int64_t full) { return options.is_smoke ? 1 : full; };
  for (const auto audio : {Audio::Learns, Audio::Runs, Audio::Known}) {
    for (const auto* order : {"plain", "library"}) {
      compare<ResNetProblem>(report, python, "resnet18", order, audio, {batch_size, options.pairs(15), 1});
      compare<CnnProblem>(report, python, "cnn", order, audio, {batch_size, options.pairs(21), steps(10)});
    }
    compare<MlpProblem>(report, python, "mlp", "plain", audio, {batch_size, options.pairs(21), steps(300)});
  }
}
