// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Training steps over encoders, fusions, modalities and batches, with one modality alone and with all: against the authors' way,
// and with late fusion against a step by hand. One axis at a time from two modalities, late fusion, batch 16. The features
// of encoders that are held back are known, teachers are precomputed; both sides have the same encoders, layouts and threads.
//
//   sweep_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/fusion/any.hpp>
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

namespace {

using Task = g2d::task::Classification;
using Joint = g2d::method::G2d<Task, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;
using Staged = g2d::method::G2d<Task>;

/// All encoders of a case are of one kind and see inputs of one size.
template <class Encoder_>
struct Kind {
  using Encoder = Encoder_;
  std::string name;
  std::vector<std::int64_t> input;
  std::function<std::shared_ptr<Encoder>()> make;
};

struct Case {
  std::string fusion = "late";
  std::size_t modalities = 2;
  std::int64_t batch = 16;
};

g2d::fusion::Any make_fusion(const std::string& name, const g2d::FusionShape& shape) {
  if (name == "sum") return g2d::fusion::Sum(shape);
  if (name == "concat") return g2d::fusion::Concat(shape);
  if (name == "film") return g2d::fusion::Film(shape);
  if (name == "gated") return g2d::fusion::Gated(shape);
  return g2d::fusion::Late(shape);
}

template <class Kind>
std::shared_ptr<g2d::AnyStudent> make_student(const Kind& kind, const Case& which) {
  at::manual_seed(0);
  std::vector<std::string> names;
  std::vector<g2d::Encoder> encoders;
  std::vector<std::int64_t> widths;
  for (std::size_t m = 0; m < which.modalities; ++m) {
    names.push_back(fmt::format("modality{}", m + 1));
    encoders.emplace_back(kind.make());
    widths.push_back(encoders.back().feature_width());
  }
  const g2d::FusionShape shape(g2d::ModalityNames(std::move(names)), widths, bench_classes);
  return std::make_shared<g2d::AnyStudent>(make_fusion(which.fusion, shape), std::move(encoders), g2d::readout::Auto());
}

template <class Kind>
g2d::Batch make_batch(const Kind& kind, const Case& which) {
  auto sizes = kind.input;
  sizes.insert(sizes.begin(), which.batch);
  g2d::Batch batch;
  for (std::size_t m = 0; m < which.modalities; ++m) batch.inputs.emplace_back(at::randn(sizes));
  batch.target = at::randint(bench_classes, {which.batch}, at::kLong);
  return batch;
}

/// As many pairs as a quarter of a minute holds, so that large cases end and small ones are not read off a few.
template <class Work>
std::int64_t pairs_for(const BenchOptions& options, Work&& slower) {
  constexpr double budget = 15.0;
  slower();
  const double seconds = seconds_of(slower, 1);
  return options.pairs(std::clamp(static_cast<std::int64_t>(budget / (2.0 * seconds)), std::int64_t{3}, std::int64_t{41}));
}

template <class Kind>
void compare(BenchReport& report, const BenchOptions& options, const Kind& kind, const Case& which) {
  using Encoder = typename Kind::Encoder;
  const auto student = make_student(kind, which);
  const auto batch = make_batch(kind, which);
  const auto teachers = make_bench_teachers(*student, which.batch);
  g2d::PerModality<double> confidence;  // Descending: the last modality is the weakest and learns first.
  for (std::size_t m = 0; m < which.modalities; ++m) confidence.push_back(0.9 - 0.1 * static_cast<double>(m));
  const auto summary = make_bench_summary(*student, confidence);
  AuthorsStep authors(model_of<Encoder>(*make_student(kind, which)), unimodal_models_of<Encoder>(*make_student(kind, {.modalities = which.modalities})));
  const auto step_of_authors = [&] { (void)authors(batch); };
  const auto pairs = pairs_for(options, step_of_authors);
  const auto name = fmt::format("{}, {}, M {}, batch {}", kind.name, which.fusion, which.modalities, which.batch);

  const auto alone = which.modalities - 1;
  authors.learns_alone(alone);
  g2d::Step staged(*student, Staged(), {.num_epochs = static_cast<std::int64_t>(which.modalities) + 1}, summary);
  staged.begin_epoch(0);
  g2d::PerModality<at::Tensor> known(which.modalities);
  for (std::size_t m = 0; m < alone; ++m) known[m] = at::randn({which.batch, student->encoder(m).feature_width()});
  report.add_speedup(name + ": one alone", "g2d", "authors", time_pairs([&] { (void)staged(batch, &teachers, known); }, step_of_authors, pairs));

  authors.learns_alone({});
  g2d::Step joint(*student, Joint(), {}, summary);
  const auto step_of_ours = [&] { (void)joint(batch, &teachers); };
  report.add_speedup(name + ": all learn", "g2d", "authors", time_pairs(step_of_ours, step_of_authors, pairs));
  if (which.fusion != "late") return;
  HandWrittenStep<Encoder> by_hand(unimodal_models_of<Encoder>(*make_student(kind, which)));
  report.add_time_ratio(name + ": all learn, by hand", "Step", "by hand", time_pairs(step_of_ours, [&] { (void)by_hand(batch, teachers); }, pairs));
}

template <class Kind>
void compare_axes(BenchReport& report, const BenchOptions& options, const Kind& kind) {
  for (const auto* fusion : {"sum", "concat", "film", "gated"}) compare(report, options, kind, {.fusion = fusion});
  for (const std::size_t modalities : {4, 8}) compare(report, options, kind, {.modalities = modalities});
  for (const std::int64_t batch : {64, 256}) compare(report, options, kind, {.batch = batch});
}

Kind<g2d::encoder::ResNet18> resnet18(std::int64_t channels, std::int64_t size) {
  return {fmt::format("ResNet-18 {}x{}^2", channels, size), {channels, size, size},
          [channels] { return std::make_shared<g2d::encoder::ResNet18>(g2d::encoder::ResNet18Options{.in_channels = channels}); }};
}

Kind<g2d::encoder::SmallCnn> small_cnn() {
  return {"small CNN 1x28^2", {1, 28, 28}, [] { return std::make_shared<g2d::encoder::SmallCnn>(); }};
}

Kind<g2d::encoder::Mlp> mlp() {
  return {"MLP 32-64-32", {32}, [] {
            return std::make_shared<g2d::encoder::Mlp>(g2d::encoder::MlpOptions{.in_features = 32, .hidden = {64}, .feature_width = 32});
          }};
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("sweep", options);
  const Case base = options.is_smoke ? Case{.batch = 2} : Case{};
  compare(report, options, mlp(), base);
  compare(report, options, small_cnn(), base);
  compare(report, options, resnet18(1, 28), base);
  if (options.is_smoke) return 0;
  compare(report, options, resnet18(1, 112), base);
  compare(report, options, resnet18(3, 224), base);
  compare_axes(report, options, small_cnn());
  compare_axes(report, options, resnet18(1, 28));
}
