// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// What the M logit terms of distillation by KL cost, forward and backward, when they share one log-softmax of the
// student: against the same formula called teacher by teacher, and from the mean teacher that a cache can keep against
// all of them; paired, by batch, classes and M. Then the last again with what a step gathers first: from the cache the
// features and the mean, or the features and all logits.
//
//   distillation_terms_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/core/Tensor.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>
#include <torch/nn/module.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <g2d/core/per_modality.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/distillation/kl.hpp>
#include <g2d/distillation/mean_to_each.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>

#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/paired_timing.hpp"

namespace {

using Tensors = g2d::PerModality<at::Tensor>;

struct Case {
  std::int64_t batch;
  std::int64_t classes;
  std::int64_t num_teachers;

  [[nodiscard]] std::string name() const { return fmt::format("B {} C {} M {}", batch, classes, num_teachers); }

  /// Calls of a sample: short work is not timed singly.
  [[nodiscard]] std::int64_t calls(const BenchOptions& options) const {
    return options.is_smoke ? 1 : std::max<std::int64_t>(1, 1'000'000 / (batch * classes * num_teachers + 2'000));
  }
};

at::Tensor make_logits(std::int64_t rows, std::int64_t classes) { return at::randn({rows, classes}).mul(3.0); }

/// As method::total adds terms of weight 1, and its backward pass.
void backward_of(const Tensors& terms) {
  auto total = terms[0];
  for (std::size_t m = 1; m < terms.size(); ++m) total = total.add(terms[m]);
  total.backward();
}

void check_equal(const at::Tensor& gradient, const at::Tensor& expected) {
  const double difference = gradient.sub(expected).abs().max().div(expected.abs().max()).item().toDouble();
  if (!(difference < 1e-4))
    throw std::runtime_error(fmt::format("the gradients differ by {:.1e} of the largest", difference));
}

void compare(const Case& size, BenchReport& report, const BenchOptions& options) {
  auto student = make_logits(size.batch, size.classes).requires_grad_();
  Tensors teachers;
  for (std::int64_t m = 0; m < size.num_teachers; ++m) teachers.push_back(make_logits(size.batch, size.classes));
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
  const auto timing = time_pairs(together, apart, options.pairs(15), size.calls(options));
  const auto of_mean = time_pairs(through_mean, together, options.pairs(15), size.calls(options));
  check_equal(gradient, gradient_apart);
  check_equal(gradient_of_mean, gradient_apart);
  report.add_speedup(size.name(), "together", "one by one", timing, at_least(1.0));
  report.add_speedup(size.name() + ", mean teacher", "mean", "together", of_mean, at_least(1.0));
}

/// What teachers that cost nothing say of so many samples: rows that were drawn before.
g2d::TeacherCache make_cache(const Case& size, std::int64_t num_samples) {
  constexpr std::int64_t feature_width = 512;
  std::vector<std::string> names;
  std::vector<g2d::Teacher> teachers;
  g2d::PerModality<g2d::Input> samples;
  for (std::int64_t m = 0; m < size.num_teachers; ++m) {
    const auto forward = [features = at::randn({num_samples, feature_width}),
                          logits = make_logits(num_samples, size.classes)](const g2d::Input& rows) {
      return g2d::Teacher::Output{features.index_select(0, rows.values), logits.index_select(0, rows.values)};
    };
    names.push_back(fmt::format("modality {}", m));
    teachers.emplace_back(std::make_shared<torch::nn::Module>("teacher"), forward, feature_width, size.classes);
    samples.emplace_back(at::arange(num_samples));
  }
  const g2d::ModalityNames modalities(std::move(names));
  const g2d::data::InMemory dataset(modalities, std::move(samples),
                                    at::randint(size.classes, {num_samples}, at::kLong));
  return g2d::TeacherCache::precompute({modalities, std::move(teachers)}, dataset, g2d::task::Classification());
}

void compare_with_gather(const Case& size, BenchReport& report, const BenchOptions& options) {
  const auto num_samples = options.is_smoke ? size.batch : 4 * size.batch;
  const g2d::distillation::Kl kl;
  const auto cache = make_cache(size, num_samples);
  auto cache_with_mean = cache;
  cache_with_mean.keep_mean(kl);
  std::vector<g2d::Batch> batches;  // With no more than the cache asks for.
  for (const auto& rows : g2d::data::shuffled_batches(num_samples, size.batch, /*seed=*/0, /*epoch=*/0)) {
    batches.push_back({.target = rows, .sample_ids = rows});
  }
  auto student = make_logits(size.batch, size.classes).requires_grad_();
  at::Tensor gradient, gradient_of_mean;
  auto of_all = [&, i = std::size_t{0}]() mutable {
    student.mutable_grad().reset();
    const auto teachers = cache.outputs(batches[i++ % batches.size()]);
    backward_of(kl.mean_to_each(student, teachers.logits, {}));
    gradient = student.grad();
  };
  auto of_mean = [&, i = std::size_t{0}]() mutable {
    student.mutable_grad().reset();
    const auto teachers = cache_with_mean.outputs(batches[i++ % batches.size()], /*with_logits=*/false);
    kl.mean_over_teachers(student, teachers.mean).mul(static_cast<double>(size.num_teachers)).backward();
    gradient_of_mean = student.grad();
  };
  const auto timing = time_pairs(of_mean, of_all, options.pairs(15), size.calls(options));
  check_equal(gradient_of_mean, gradient);
  report.add_speedup(size.name() + ", mean teacher, gather included", "mean", "together", timing, at_least(1.0));
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("distillation_terms", options);
  for (const std::int64_t batch : {16, 128}) {
    for (const std::int64_t classes : {10, 100, 1'000, 10'000}) {
      for (const std::int64_t num_teachers : {2, 4, 8}) {
        const Case size{batch, classes, num_teachers};
        compare(size, report, options);
        compare_with_gather(size, report, options);
      }
    }
  }
}
