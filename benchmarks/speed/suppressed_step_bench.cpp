// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// A stage in which one encoder is suppressed: Complete suppression with precomputed teachers against the authors' way, same
// layouts and threads: paired, ratio of medians.
//
//   suppressed_step_bench [--smoke]

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <string_view>

#include <g2d/method/g2d.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "baseline/authors_step.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"

namespace {

using Encoder = ResNetProblem::Encoder;

AuthorsStep<Encoder>::Model model(const BenchStudent<ResNetProblem>& student, std::size_t m) {
  const auto heads = student.fusion().parameters();
  return {std::static_pointer_cast<Encoder>(student.encoder(m).module()), heads[2 * m].value, heads[2 * m + 1].value};
}

void compare(std::size_t suppressed, std::int64_t batch_size, std::int64_t pairs, double limit) {
  const auto student = make_bench_student<ResNetProblem>();
  const auto batch = make_bench_batch<ResNetProblem>(batch_size);
  const auto taught = make_bench_teachers(*student, batch_size);
  // The first stage belongs to the weaker modality: the suppressed one is the surer one.
  const g2d::PerModality<double> confidence = suppressed == 0 ? g2d::PerModality<double>{0.9, 0.1} : g2d::PerModality<double>{0.1, 0.9};
  g2d::Step step(*student, g2d::method::G2d<g2d::task::Classification>(), {.num_epochs = 3}, make_bench_summary(*student, confidence));

  const auto twin = make_bench_student<ResNetProblem>();
  const auto teachers = make_bench_student<ResNetProblem>();
  AuthorsStep<Encoder> authors({model(*twin, 0), model(*twin, 1)}, {model(*teachers, 0), model(*teachers, 1)}, suppressed);

  const auto timing = time_pairs([&] { (void)step(batch, &taught); }, [&] { (void)authors(batch); }, pairs);
  fmt::print("{:<12} suppressed   B {:<4} g2d {:8.2f} ms   authors' way {:8.2f} ms   ratio {:.3f} [{:.3f}, {:.3f}]  (aim {:.2f})\n",
             suppressed == 0 ? "1x112x112" : "1x28x28", batch_size, 1e3 * timing.median_a, 1e3 * timing.median_b, timing.ratio,
             timing.ratio_low, timing.ratio_high, limit);
}

}  // namespace

int main(int argc, char** argv) {
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  fmt::print("suppressed_step: ResNet-18 encoders, {} threads\n", at::get_num_threads());
  compare(0, smoke ? 2 : 16, smoke ? 1 : 15, 0.37);
  compare(1, smoke ? 2 : 16, smoke ? 1 : 15, 0.72);
}
