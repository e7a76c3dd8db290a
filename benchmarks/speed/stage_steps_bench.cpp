// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Steps of each stage of a student with ResNet-18 encoders, against the authors' way and a step by hand. The encoder that is held
// back is not run, for its features are known; teachers are precomputed. Both sides have the same encoders, layouts and threads; one
// row more gives each side the layout of its own.

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include <g2d/method/g2d.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "baseline/authors_step.hpp"
#include "baseline/hand_written_step.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"
#include "support/roofline.hpp"

namespace {

using Encoder = ResNetProblem::Encoder;
using Joint = g2d::method::G2d<g2d::task::Classification, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;
using Staged = g2d::method::G2d<g2d::task::Classification>;

/// The layout of the authors' code: nothing is channels-last.
void use_plain_layout(torch::nn::Module& module) {
  const at::NoGradGuard no_grad;
  for (auto& parameter : module.parameters()) parameter.set_data(parameter.clone(at::MemoryFormat::Contiguous));
}

auto make_authors(bool has_plain_layout = false) {
  const auto student = make_resnet_student(g2d::Precision::Full, false);
  const auto teachers = make_resnet_student(g2d::Precision::Full, false);
  if (has_plain_layout) {
    use_plain_layout(*student);
    use_plain_layout(*teachers);
  }
  return AuthorsStep(model_of<Encoder>(*student), unimodal_models_of<Encoder>(*teachers));
}

struct Setup {
  BenchOptions options;
  BenchReport& report;
  g2d::Batch batch;
  std::int64_t pairs;
};

/// Stages in which one encoder is known: 0 is the one with the larger input.
void compare_stages(const Setup& setup, g2d::Precision precision, const std::string& name) {
  const auto student = make_resnet_student(precision, /*channels_last=*/false);
  const auto taught = make_bench_teachers(*student, setup.batch.size());
  auto authors = make_authors();
  const auto summary = make_bench_summary(*student, {0.9, 0.1});
  const auto compare = [&](const std::string& stage, auto&& step, std::optional<Aim> aim) {
    setup.report.add_speedup(name + ", " + stage, "g2d", "authors", time_pairs(step, [&] { (void)authors(setup.batch); }, setup.pairs), aim);
  };
  const bool is_full = precision == g2d::Precision::Full;
  const auto when_full = [&](double value) { return is_full ? std::optional(at_least(value)) : std::nullopt; };
  g2d::Step staged(*student, Staged(), {.num_epochs = 3}, summary);
  for (std::size_t known = 0; known < 2; ++known) {
    staged.begin_epoch(static_cast<std::int64_t>(known));
    authors.learns_alone(1 - known);
    g2d::PerModality<at::Tensor> features(2);
    features[known] = at::randn({setup.batch.size(), student->handed_on_width(known)});
    compare(known == 0 ? "1x112^2 suppressed, known" : "1x28^2 suppressed, known",
            [&] { (void)staged(setup.batch, &taught, features); }, known == 0 ? when_full(9.0) : std::nullopt);
  }
  g2d::Step joint(*student, Joint(), {}, summary);
  authors.learns_alone({});
  compare("all learn", [&] { (void)joint(setup.batch, &taught); }, when_full(1.3));
  if (!is_full) return;
  const auto quick = make_resnet_student(precision, /*channels_last=*/true);
  g2d::Step quick_joint(*quick, Joint(), {}, summary);
  auto plain = make_authors(/*has_plain_layout=*/true);
  setup.report.add_speedup(name + ", all learn, each side's own layout", "g2d", "authors",
                           time_pairs([&] { (void)quick_joint(setup.batch, &taught); }, [&] { (void)plain(setup.batch); }, setup.pairs));
}

/// `Step` against the same by hand, and what share of the machine's convolution rate it reaches.
void compare_by_hand(const Setup& setup) {
  const auto student = make_resnet_student(g2d::Precision::Full, false);
  const auto twin = make_resnet_student(g2d::Precision::Full, false);
  const auto taught = make_bench_teachers(*student, setup.batch.size());
  HandWrittenStep<Encoder> by_hand(unimodal_models_of<Encoder>(*twin));
  g2d::Step joint(*student, Joint(), {}, make_bench_summary(*student, {0.5, 0.5}));
  const auto timing = time_pairs([&] { (void)joint(setup.batch, &taught); }, [&] { (void)by_hand(setup.batch, taught); }, setup.pairs);
  setup.report.add_time_ratio("float32, all learn, by hand", "Step", "by hand", timing, at_most(1.02));
  const double rate = 3.0 * (resnet18_flops(112) + resnet18_flops(28)) * static_cast<double>(setup.batch.size()) / timing.median_a;
  const auto machine = measure_rates();
  setup.report.add_value("GEMM 1024^3, float32", machine.gemm / 1e9, "GFLOP/s");
  setup.report.add_value("GEMM 1024^3, bfloat16", machine.gemm_bfloat16 / 1e9, "GFLOP/s");
  setup.report.add_value("convolution 3x3, 64 channels, 28^2, forward", machine.convolution / 1e9, "GFLOP/s");
  setup.report.add_value("a joint step, forward and backward", rate / 1e9, "GFLOP/s");
  setup.report.add_value("its share of the convolution's rate", 100.0 * rate / machine.convolution, "%");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("stage_steps", options);
  const Setup setup{options, report, make_bench_batch<ResNetProblem>(options.is_smoke ? 2 : 16), options.pairs(9)};
  compare_stages(setup, g2d::Precision::Full, "float32");
  if (has_fast_bfloat16()) {
    compare_stages(setup, g2d::Precision::BFloat16, "bfloat16");
  } else {
    fmt::print("  bfloat16: not compared, for this machine multiplies it no faster than float32\n");
  }
  compare_by_hand(setup);
}
