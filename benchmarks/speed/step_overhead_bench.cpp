// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// What Step costs beyond the same mathematics written by hand with the same kernels: paired, ratio of medians.
//
//   step_overhead_bench [--smoke]

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <string_view>

#include <g2d/method/g2d.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "baseline/hand_written_step.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"

namespace {

template <class Problem>
void compare(std::int64_t batch_size, std::int64_t pairs, std::int64_t calls, double limit) {
  using Method = g2d::method::G2d<g2d::task::Classification, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;
  const auto student = make_bench_student<Problem>();
  const auto batch = make_bench_batch<Problem>(batch_size);
  const auto teachers = make_bench_teachers(*student, batch_size);
  g2d::Step step(*student, Method(), {}, make_bench_summary(*student, {0.5, 0.5}));

  const auto twin = make_bench_student<Problem>();
  const auto heads = twin->fusion().parameters();
  HandWrittenStep<typename Problem::Encoder> by_hand(
      std::static_pointer_cast<typename Problem::Encoder>(twin->encoder(0).module()),
      std::static_pointer_cast<typename Problem::Encoder>(twin->encoder(1).module()), {heads[0].value, heads[1].value},
      {heads[2].value, heads[3].value});

  at::Tensor loss_of_step, loss_by_hand;
  const auto timing = time_pairs([&] { loss_of_step = step(batch, &teachers).total; },
                                 [&] { loss_by_hand = by_hand(batch, teachers); }, pairs, calls);
  const double difference = loss_of_step.sub(loss_by_hand).abs().item<double>();
  fmt::print("{:<32} B {:<4} Step {:9.3f} ms   by hand {:9.3f} ms   ratio {:.3f} [{:.3f}, {:.3f}]  (aim {:.2f})   losses differ by {:.1e}\n",
             Problem::name, batch_size, 1e3 * timing.median_a, 1e3 * timing.median_b, timing.ratio, timing.ratio_low,
             timing.ratio_high, limit, difference);
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  fmt::print("step_overhead: {} threads\n", at::get_num_threads());
  compare<MlpProblem>(16, smoke ? 3 : 41, smoke ? 10 : 100, 1.10);
  compare<ResNetProblem>(smoke ? 2 : 16, smoke ? 1 : 21, 1, 1.02);
}
