// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Steps of each stage of a student with ResNet-18 encoders, against the authors' way and a step by hand. The encoder that is held
// back is not run, for its features are known; teachers are precomputed. Both sides have the same encoders and threads, and the same
// layouts or each its own.

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

auto make_authors(bool has_plain_layout) {
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

/// How g2d's side computes, and which layout each side has: the same, or the library's quickest against the authors' plain one.
struct Variant {
  std::string name;
  g2d::Precision precision;
  bool has_own_layouts;
  std::optional<Aim> heavy_aim = {};  ///< With the heavy encoder suppressed.
  std::optional<Aim> joint_aim = {};
};

/// Stages in which one encoder is known, 0 being the one with the larger input, and the one in which all learn.
void compare_stages(const Setup& setup, const Variant& variant) {
  const auto student = make_resnet_student(variant.precision, variant.has_own_layouts);
  const auto taught = make_bench_teachers(*student, setup.batch.size());
  auto authors = make_authors(variant.has_own_layouts);
  const auto summary = make_bench_summary(*student, {0.9, 0.1});
  double ours_in_all = 0.0, theirs_in_all = 0.0;
  const auto compare = [&](const std::string& stage, auto&& step, std::optional<Aim> aim) {
    const auto timing = time_pairs(step, [&] { (void)authors(setup.batch); }, setup.pairs);
    setup.report.add_speedup(variant.name + ", " + stage, "g2d", "authors", timing, aim);
    ours_in_all += timing.median_a;
    theirs_in_all += timing.median_b;
  };
  g2d::Step staged(*student, Staged(), {.num_epochs = 3}, summary);
  for (std::size_t known = 0; known < 2; ++known) {
    staged.begin_epoch(static_cast<std::int64_t>(known));
    authors.learns_alone(1 - known);
    g2d::PerModality<at::Tensor> features(2);
    features[known] = at::randn({setup.batch.size(), student->handed_on_width(known)});
    compare(known == 0 ? "1x112^2 suppressed, known" : "1x28^2 suppressed, known",
            [&] { (void)staged(setup.batch, &taught, features); }, known == 0 ? variant.heavy_aim : std::nullopt);
  }
  g2d::Step joint(*student, Joint(), {}, summary);
  authors.learns_alone({});
  compare("all learn", [&] { (void)joint(setup.batch, &taught); }, variant.joint_aim);
  setup.report.add_value(variant.name + ", a step of each stage", theirs_in_all / ours_in_all, "times faster");
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
  compare_stages(setup, {"float32", g2d::Precision::Full, false, at_least(9.0), at_least(1.3)});
  compare_stages(setup, {"float32, each side's own layout", g2d::Precision::Full, true});
  if (can_compare_bfloat16()) {
    compare_stages(setup, {"bfloat16", g2d::Precision::BFloat16, false});
    compare_stages(setup, {"bfloat16, each side's own layout", g2d::Precision::BFloat16, true});
  }
  compare_by_hand(setup);
}
