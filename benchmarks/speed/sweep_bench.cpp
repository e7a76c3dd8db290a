// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Training steps over encoders, fusions, modalities and batches, with one modality alone and with all: against the
// authors' way, and with late fusion against a step by hand. One axis at a time from two modalities, late fusion, batch
// 16. The features of encoders that are held back are known, teachers are precomputed; both sides have the same
// encoders, layouts, teachers and threads, and the same losses where they compute the same.
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
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/encoder/mlp.hpp>
#include <g2d/encoder/resnet18.hpp>
#include <g2d/encoder/small_cnn.hpp>
#include <g2d/fusion/any.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "baseline/authors_step.hpp"
#include "baseline/hand_written_step.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/check_equal_losses.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"
#include "support/resnet18_convolutions.hpp"
#include "support/roofline.hpp"

namespace {

using Task = g2d::task::Classification;
using Method = g2d::method::G2d<Task>;

/// All encoders of a case are of one kind and see inputs of one size.
template <class Encoder_>
struct Kind {
  using Encoder = Encoder_;
  std::string name;
  std::vector<std::int64_t> input;
  std::function<std::shared_ptr<Encoder>()> make;
  double training_flops = 0.0;  ///< Of one encoder and sample; 0: not counted.
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
std::shared_ptr<g2d::AnyStudent> make_student(const Kind& kind, const Case& which, std::uint64_t seed = 0) {
  at::manual_seed(seed);
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

struct Effort {
  std::int64_t pairs, calls;
};

/// As many pairs as a quarter of a minute holds, so that large cases end and small ones are not read off a few; short
/// work is not timed singly.
template <class Work>
Effort effort_for(const BenchOptions& options, Work&& slower) {
  constexpr double budget = 15.0, shortest = 0.01;
  slower();
  const double seconds = seconds_of(slower, 1);
  const auto calls = options.is_smoke ? 1 : std::max<std::int64_t>(1, static_cast<std::int64_t>(shortest / seconds));
  const double pairs = budget / (2.0 * seconds * static_cast<double>(calls));
  return {options.pairs(std::clamp(static_cast<std::int64_t>(pairs), std::int64_t{3}, std::int64_t{41})), calls};
}

/// One case on all sides, from the same weights and with the same teachers, in the stage that was entered last.
template <class Kind>
class Comparison {
  using Encoder = typename Kind::Encoder;

 public:
  Comparison(const Kind& kind, const Case& which)
      : name_(fmt::format("{}, {}, M {}, batch {}", kind.name, which.fusion, which.modalities, which.batch)),
        num_modalities_(which.modalities),
        flops_of_encoder_(kind.training_flops * static_cast<double>(which.batch)),
        batch_(make_batch(kind, which)),
        student_(make_student(kind, which)),
        step_(*student_, Method(), {.num_epochs = num_stages()},
              make_bench_summary(*student_, descending_confidence())),
        authors_(model_of<Encoder>(*make_student(kind, which)),
                 unimodal_models_of<Encoder>(*make_student(kind, {.modalities = which.modalities}, /*seed=*/1))),
        taught_(authors_.taught(batch_)) {
    if (which.fusion == "late") by_hand_.emplace(unimodal_models_of<Encoder>(*make_student(kind, which)));
  }

  /// The authors' encoders that are held back run in training mode and move their norm layers, g2d's in evaluation
  /// mode: with one modality alone the authors' loss is another, and the step by hand is what g2d's is checked against.
  void check() {
    enter_all();
    check_equal_losses(name_ + ", all learn", sides(/*with_authors=*/true));
    enter_alone();
    if (by_hand_) check_equal_losses(name_ + ", one alone", sides(/*with_authors=*/false));
  }

  void report(BenchReport& report, const BenchOptions& options, const Rates& machine) {
    const auto effort = effort_for(options, [&] { (void)authors_(batch_); });
    enter_alone();
    report_stage(report, name_ + ": one alone", effort, 1, machine);
    enter_all();
    report_stage(report, name_ + ": all learn", effort, num_modalities_, machine);
  }

 private:
  [[nodiscard]] std::int64_t num_stages() const { return static_cast<std::int64_t>(num_modalities_) + 1; }

  /// The last modality is the weakest and learns first.
  [[nodiscard]] g2d::PerModality<double> descending_confidence() const {
    g2d::PerModality<double> confidence;
    for (std::size_t m = 0; m < num_modalities_; ++m) confidence.push_back(0.9 - 0.1 * static_cast<double>(m));
    return confidence;
  }

  void enter_all() {
    step_.begin_epoch(num_stages() - 1);
    authors_.learns_alone({});
    known_.clear();
  }

  void enter_alone() {
    const auto alone = num_modalities_ - 1;
    step_.begin_epoch(0);
    authors_.learns_alone(alone);
    known_.resize(num_modalities_);
    for (std::size_t m = 0; m < alone; ++m) known_[m] = features_in_evaluation(*student_, m, batch_);
  }

  [[nodiscard]] at::Tensor ours() { return step_(batch_, &taught_, known_).total; }
  [[nodiscard]] at::Tensor by_hand() { return (*by_hand_)(batch_, taught_, known_); }

  [[nodiscard]] std::vector<LossOfStep> sides(bool with_authors) {
    std::vector<LossOfStep> sides{{"g2d", [&] { return ours().template item<double>(); }}};
    if (with_authors) sides.push_back({"authors", [&] { return authors_(batch_); }});
    if (by_hand_) sides.push_back({"by hand", [&] { return by_hand().template item<double>(); }});
    return sides;
  }

  void report_stage(BenchReport& report, const std::string& name, Effort effort, std::size_t num_learning,
                    const Rates& machine) {
    const auto ours_only = [&] { (void)ours(); };
    const auto to_authors = time_pairs(ours_only, [&] { (void)authors_(batch_); }, effort.pairs, effort.calls);
    report.add_speedup(name, "g2d", "authors", to_authors);
    const double flops = static_cast<double>(num_learning) * flops_of_encoder_;
    if (flops > 0.0) report_rate(report, name, flops, to_authors.median_a, machine);
    if (!by_hand_) return;
    const auto timing = time_pairs(ours_only, [&] { (void)by_hand(); }, effort.pairs, effort.calls);
    report.add_time_ratio(name + ", by hand", "Step", "by hand", timing, at_most(1.02));
  }

  std::string name_;
  std::size_t num_modalities_;
  double flops_of_encoder_;
  g2d::Batch batch_;
  std::shared_ptr<g2d::AnyStudent> student_;
  g2d::Step<g2d::AnyStudent, Method> step_;
  AuthorsStep<Encoder, g2d::fusion::Any> authors_;
  g2d::TeacherOutputs taught_;
  std::optional<HandWrittenStep<Encoder>> by_hand_;
  g2d::PerModality<at::Tensor> known_;  ///< Empty while all learn.
};

struct Setup {
  BenchOptions options;
  BenchReport& report;
  Rates machine;
};

template <class Kind>
void compare(const Setup& setup, const Kind& kind, const Case& which) {
  Comparison comparison(kind, which);
  comparison.check();
  comparison.report(setup.report, setup.options, setup.machine);
}

template <class Kind>
void compare_axes(const Setup& setup, const Kind& kind) {
  for (const auto* fusion : {"sum", "concat", "film", "gated"}) compare(setup, kind, {.fusion = fusion});
  for (const std::size_t modalities : {4, 8}) compare(setup, kind, {.modalities = modalities});
  for (const std::int64_t batch : {64, 256}) compare(setup, kind, {.batch = batch});
}

Kind<g2d::encoder::ResNet18> resnet18(std::int64_t channels, std::int64_t size) {
  return {fmt::format("ResNet-18 {}x{}^2", channels, size),
          {channels, size, size},
          [channels] {
            return std::make_shared<g2d::encoder::ResNet18>(g2d::encoder::ResNet18Options{.in_channels = channels});
          },
          resnet18_training_flops(channels, size)};
}

Kind<g2d::encoder::SmallCnn> small_cnn() {
  return {.name = "small CNN 1x28^2", .input = {1, 28, 28}, .make = [] {
            return std::make_shared<g2d::encoder::SmallCnn>();
          }};
}

Kind<g2d::encoder::Mlp> mlp() {
  return {.name = "MLP 32-64-32", .input = {32}, .make = [] {
            return std::make_shared<g2d::encoder::Mlp>(
                g2d::encoder::MlpOptions{.in_features = 32, .hidden = {64}, .feature_width = 32});
          }};
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("sweep", options);
  const Setup setup{options, report, measure_rates().float32};
  report_machine(report, "float32", setup.machine);
  // Norm layers over fewer samples at one pixel blow rounding up, and the losses drift apart.
  const Case base = options.is_smoke ? Case{.batch = 8} : Case{};
  compare(setup, mlp(), base);
  compare(setup, small_cnn(), base);
  compare(setup, resnet18(1, 28), base);
  if (options.is_smoke) return 0;
  compare(setup, resnet18(1, 112), base);
  compare(setup, resnet18(3, 224), base);
  compare_axes(setup, small_cnn());
  compare_axes(setup, resnet18(1, 28));
}
