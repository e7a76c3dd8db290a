// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// What Step costs beyond the same mathematics written by hand with the same kernels: paired, ratio of times.
//
//   step_overhead_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <fmt/format.h>

#include <cstdint>

#include <g2d/method/g2d.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "baseline/hand_written_step.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/check_equal_losses.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"

namespace {

template <class Problem>
void compare(BenchReport& report, std::int64_t batch_size, std::int64_t pairs, std::int64_t calls, double limit) {
  using Method =
      g2d::method::G2d<g2d::task::Classification, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;
  const auto student = make_bench_student<Problem>();
  const auto batch = make_bench_batch<Problem>(batch_size);
  const auto teachers = make_bench_teachers(*student, batch_size);
  g2d::Step step(*student, Method(), {}, make_bench_summary(*student, {0.5, 0.5}));
  const auto twin = make_bench_student<Problem>();
  HandWrittenStep<typename Problem::Encoder> by_hand(unimodal_models_of<typename Problem::Encoder>(*twin));

  check_equal_losses(Problem::name, {{"Step", [&] { return step(batch, &teachers).total.template item<double>(); }},
                                     {"by hand", [&] { return by_hand(batch, teachers).template item<double>(); }}});
  const auto timing =
      time_pairs([&] { (void)step(batch, &teachers); }, [&] { (void)by_hand(batch, teachers); }, pairs, calls);
  report.add_time_ratio(fmt::format("{}, batch {}", Problem::name, batch_size), "Step", "by hand", timing,
                        at_most(limit));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("step_overhead", options);
  compare<MlpProblem>(report, 16, options.pairs(41), options.is_smoke ? 10 : 100, 1.10);
  compare<ResNetProblem>(report, options.is_smoke ? 2 : 16, options.pairs(21), 1, 1.02);
}
