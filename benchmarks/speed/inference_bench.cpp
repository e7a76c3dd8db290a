// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// A student's forward pass at inference, against its own encoders and heads called by hand. Both run the same modules,
// so that nothing differs but the library.
//
//   inference_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/core/grad_mode.h>
#include <ATen/ops/linear.h>

#include <optional>
#include <stdexcept>
#include <string>

#include <g2d/fusion/any.hpp>
#include <g2d/readout/auto.hpp>

#include "support/bench_report.hpp"
#include "support/problem.hpp"

namespace {

struct Calls {
  std::int64_t pairs, calls;
};

template <class Problem, class Student>
void compare(BenchReport& report, const std::string& name, Student& student, std::int64_t batch_size, Calls count,
             std::optional<Aim> aim) {
  using Encoder = typename Problem::Encoder;
  at::NoGradGuard no_grad;
  student.eval();
  const auto batch = make_bench_batch<Problem>(batch_size);
  const auto audio = std::static_pointer_cast<Encoder>(student.encoder(0).module());
  const auto image = std::static_pointer_cast<Encoder>(student.encoder(1).module());
  const auto heads = student.fusion().parameters();
  at::Tensor ours, bare;
  const auto timing = time_pairs(
      [&] { ours = student.forward(batch.inputs); },
      [&] {
        const auto a = audio->forward(batch.inputs[0].values);
        const auto b = image->forward(batch.inputs[1].values);
        bare =
            at::linear(a, heads[0].value, heads[1].value).add(at::linear(b, heads[2].value, heads[3].value)).div(2.0);
      },
      count.pairs, count.calls);
  if (!ours.equal(bare)) throw std::runtime_error(name + ": the student and its bare modules disagree");
  report.add_time_ratio(fmt::format("{}, {}, batch {}", Problem::name, name, batch_size), "student", "bare modules",
                        timing, aim);
}

template <class Problem>
void compare_both(BenchReport& report, std::int64_t batch_size, Calls count, std::optional<Aim> aim = {}) {
  const auto fixed = make_bench_student<Problem>();
  compare<Problem>(report, "Student", *fixed, batch_size, count, aim);
  g2d::AnyStudent any(g2d::fusion::Any(fixed->fusion()), {fixed->encoder(0), fixed->encoder(1)}, g2d::readout::Auto());
  compare<Problem>(report, "AnyStudent", any, batch_size, count, aim);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("inference", options);
  compare_both<ResNetProblem>(report, options.is_smoke ? 2 : 16, {options.pairs(41), 1}, at_most(1.01));
  compare_both<ResNetProblem>(report, 1, {options.pairs(41), options.is_smoke ? 1 : 4}, at_most(1.01));
  // Some microseconds of checks, which only networks as tiny as these show.
  compare_both<MlpProblem>(report, 16, {options.pairs(41), options.is_smoke ? 1 : 300});
}
