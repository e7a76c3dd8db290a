// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// What the M logit terms of distillation by KL cost, forward and backward, when they share one log-softmax of the student: against
// the same formula called teacher by teacher, and from the mean teacher that a cache can keep against all of them; paired, by batch,
// classes and M.
//
//   distillation_terms_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/core/Tensor.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

#include <g2d/core/per_modality.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mean_to_each.hpp>

#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/paired_timing.hpp"

namespace {

using Tensors = g2d::PerModality<at::Tensor>;

struct Case {
  std::int64_t batch;
  std::int64_t classes;
  std::int64_t num_teachers;
};

/// As method::total adds terms of weight 1, and its backward pass.
void backward_of(const Tensors& terms) {
  auto total = terms[0];
  for (std::size_t m = 1; m < terms.size(); ++m) total = total.add(terms[m]);
  total.backward();
}

void check_equal(const at::Tensor& gradient, const at::Tensor& expected) {
  const double difference = gradient.sub(expected).abs().max().div(expected.abs().max()).item().toDouble();
  if (!(difference < 1e-4)) throw std::runtime_error(fmt::format("the gradients differ by {:.1e} of the largest", difference));
}

void compare(const Case& size, BenchReport& report, const BenchOptions& options) {
  const auto logits = [&] { return at::randn({size.batch, size.classes}).mul(3.0); };
  auto student = logits().requires_grad_();
  Tensors teachers;
  for (std::int64_t m = 0; m < size.num_teachers; ++m) teachers.push_back(logits());
  const g2d::distillation::Kl kl;

  const auto mean = kl.mean_of(teachers);
  at::Tensor gradient, gradient_apart, gradient_of_mean;
  const auto together = [&] {
    student.mutable_grad().reset();
    backward_of(kl.mean_to_each(student, teachers, {}));
    gradient = student.grad();
  };
  const auto apart = [&] {
    student.mutable_grad().reset();
    Tensors terms;
    for (const auto& teacher : teachers) terms.push_back(kl(student, teacher));
    backward_of(terms);
    gradient_apart = student.grad();
  };
  const auto through_mean = [&] {
    student.mutable_grad().reset();
    kl.mean_over_teachers(student, mean).mul(static_cast<double>(size.num_teachers)).backward();
    gradient_of_mean = student.grad();
  };
  // Short work is not timed singly.
  const auto calls = options.is_smoke ? 1 : std::max<std::int64_t>(1, 1'000'000 / (size.batch * size.classes * size.num_teachers + 2'000));
  const auto timing = time_pairs(together, apart, options.pairs(15), calls);
  const auto of_mean = time_pairs(through_mean, together, options.pairs(15), calls);
  check_equal(gradient, gradient_apart);
  check_equal(gradient_of_mean, gradient_apart);
  const auto name = fmt::format("B {} C {} M {}", size.batch, size.classes, size.num_teachers);
  report.add_speedup(name, "together", "one by one", timing, at_least(1.0));
  report.add_speedup(name + ", mean teacher", "mean", "together", of_mean, at_least(1.0));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("distillation_terms", options);
  for (const std::int64_t batch : {16, 128}) {
    for (const std::int64_t classes : {10, 100, 1'000, 10'000}) {
      for (const std::int64_t num_teachers : {2, 4, 8}) compare({batch, classes, num_teachers}, report, options);
    }
  }
}
