// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Steps of each stage of a student with ResNet-18 encoders, against the authors' way and a step by hand. The encoder that is held
// back is not run, for its features are known; teachers are precomputed. Both sides have the same threads; the authors' encoders are
// plain layers or the library's, and layouts are the same or each side's own. Then the library's encoders against plain layers alone.
//
//   stage_steps_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <fmt/format.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <g2d/method/g2d.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "baseline/authors_step.hpp"
#include "baseline/hand_written_step.hpp"
#include "baseline/plain_resnet18.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"
#include "support/roofline.hpp"

namespace {

using Encoder = ResNetProblem::Encoder;
using Joint = g2d::method::G2d<g2d::task::Classification, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;
using Staged = g2d::method::G2d<g2d::task::Classification>;

/// The same layouts for both sides, those in which plain layers are quickest; or the library's default and the authors'.
enum class Layouts { Same, Own };

enum class AuthorsEncoders { Plain, Library };

std::vector<std::shared_ptr<Encoder>> make_encoders() {
  at::manual_seed(0);
  return {ResNetProblem::make_encoder(0), ResNetProblem::make_encoder(1)};
}

std::vector<std::shared_ptr<Encoder>> make_encoders_in_default_layout() {
  at::manual_seed(0);
  const g2d::encoder::ResNet18Options options{.in_channels = 1};
  return {std::make_shared<Encoder>(options), std::make_shared<Encoder>(options)};
}

/// The layout of the authors' code: nothing is channels-last.
std::vector<std::shared_ptr<Encoder>> make_encoders_in_plain_layout() {
  auto encoders = make_encoders();
  for (const auto& encoder : encoders) {
    for (auto& parameter : encoder->parameters()) parameter.set_data(parameter.detach().clone(at::MemoryFormat::Contiguous));
  }
  return encoders;
}

struct Setup {
  BenchOptions options;
  BenchReport& report;
  g2d::Batch batch;
  std::int64_t pairs;
};

struct Aims {
  std::optional<Aim> heavy = {};  ///< A step with the heavy encoder suppressed.
  std::optional<Aim> joint = {};
  std::optional<Aim> each = {};   ///< A step of each stage.
};

struct Variant {
  std::string name;
  AuthorsEncoders encoders;
  Layouts layouts = Layouts::Same;
  g2d::Precision precision = g2d::Precision::Full;
  Aims aims = {};
};

/// Stages in which one encoder is known, 0 being the one with the larger input, and the one in which all learn.
template <class Authors>
void compare_stages(const Setup& setup, const Variant& variant, Authors authors) {
  const auto student = make_resnet_student(variant.layouts == Layouts::Same ? make_encoders() : make_encoders_in_default_layout(), variant.precision);
  const auto taught = make_bench_teachers(*student, setup.batch.size());
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
            [&] { (void)staged(setup.batch, &taught, features); }, known == 0 ? variant.aims.heavy : std::nullopt);
  }
  g2d::Step joint(*student, Joint(), {}, summary);
  authors.learns_alone({});
  compare("all learn", [&] { (void)joint(setup.batch, &taught); }, variant.aims.joint);
  setup.report.add_value(variant.name + ", a step of each stage", theirs_in_all / ours_in_all, "times faster", variant.aims.each);
}

void compare_stages(const Setup& setup, const Variant& variant) {
  const auto make = [&] { return make_resnet_student(variant.layouts == Layouts::Same ? make_encoders() : make_encoders_in_plain_layout()); };
  const auto model = model_of<Encoder>(*make());
  const auto teachers = unimodal_models_of<Encoder>(*make());
  if (variant.encoders == AuthorsEncoders::Library) compare_stages(setup, variant, AuthorsStep(model, teachers));
  else compare_stages(setup, variant, AuthorsStep(in_plain_layers(model), in_plain_layers(teachers)));
}

void compare_variants(const Setup& setup, const std::string& name, g2d::Precision precision, Aims aims) {
  compare_stages(setup, {.name = name, .encoders = AuthorsEncoders::Plain, .precision = precision, .aims = aims});
  compare_stages(setup, {.name = name + ", each side's own layout", .encoders = AuthorsEncoders::Plain, .layouts = Layouts::Own, .precision = precision});
  compare_stages(setup, {.name = name + ", the library's encoders for both", .encoders = AuthorsEncoders::Library, .precision = precision});
}

/// Both are one function.
void check_equal(const at::Tensor& features, const at::Tensor& expected) {
  const double difference = features.sub(expected).abs().max().div(expected.abs().max()).item().toDouble();
  if (!(difference < 1e-3)) throw std::runtime_error(fmt::format("plain layers and the library's differ by {:.1e} of the largest feature", difference));
}

/// What the library's ResNet-18 gains over plain layers, in the same layout.
void compare_encoders(const Setup& setup) {
  const auto library = make_encoders(), twins = make_encoders();
  for (std::size_t m = 0; m < 2; ++m) {
    const auto run = [&x = setup.batch.inputs[m].values](auto& encoder) {
      encoder.zero_grad();
      encoder.forward(x).sum().backward();
    };
    const auto plain = in_plain_layers(twins[m]);
    check_equal(plain->forward(setup.batch.inputs[m].values), library[m]->forward(setup.batch.inputs[m].values));
    const auto timing = time_pairs([&] { run(*library[m]); }, [&] { run(*plain); }, setup.pairs);
    setup.report.add_speedup(m == 0 ? "ResNet-18 of 1x112^2, forward and backward" : "ResNet-18 of 1x28^2, forward and backward", "library",
                             "plain layers", timing);
  }
}

/// `Step` against the same by hand, and what share of the machine's convolution rate it reaches.
void compare_by_hand(const Setup& setup) {
  const auto student = make_resnet_student(make_encoders());
  const auto twin = make_resnet_student(make_encoders());
  const auto taught = make_bench_teachers(*student, setup.batch.size());
  HandWrittenStep<Encoder> by_hand(unimodal_models_of<Encoder>(*twin));
  g2d::Step joint(*student, Joint(), {}, make_bench_summary(*student, {0.5, 0.5}));
  const auto timing = time_pairs([&] { (void)joint(setup.batch, &taught); }, [&] { (void)by_hand(setup.batch, taught); }, setup.pairs);
  setup.report.add_time_ratio("float32, all learn, by hand", "Step", "by hand", timing, at_most(1.02));
  const double rate = 3.0 * (resnet18_flops(112) + resnet18_flops(28)) * static_cast<double>(setup.batch.size()) / timing.median_a;
  const auto machine = measure_rates();
  setup.report.add_value("GEMM 1024^3, float32", machine.gemm / 1e9, "GFLOP/s");
  if (machine.gemm_bfloat16) setup.report.add_value("GEMM 1024^3, bfloat16", *machine.gemm_bfloat16 / 1e9, "GFLOP/s");
  setup.report.add_value("convolution 3x3, 64 channels, 28^2, forward", machine.convolution / 1e9, "GFLOP/s");
  setup.report.add_value("a joint step, forward and backward", rate / 1e9, "GFLOP/s");
  setup.report.add_value("its share of the convolution's rate", 100.0 * rate / machine.convolution, "%");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("stage_steps", options);
  const Setup setup{options, report, make_bench_batch<ResNetProblem>(options.is_smoke ? 2 : 16), options.pairs(9)};
  compare_variants(setup, "float32", g2d::Precision::Full, {.heavy = at_least(9.0), .joint = at_least(1.3), .each = at_least(2.0)});
  if (can_compare_bfloat16()) compare_variants(setup, "bfloat16", g2d::Precision::BFloat16, {.each = at_least(3.5)});
  compare_encoders(setup);
  compare_by_hand(setup);
}
