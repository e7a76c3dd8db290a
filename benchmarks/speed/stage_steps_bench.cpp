// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Steps of each stage of a student with ResNet-18 encoders, against the authors' way and a step by hand; singly, and
// one of each in turn. On g2d's side a step is what it is in a training: the encoder that is held back is not run, its
// features are gathered from the stage's table and the teachers' outputs from their cache. Both sides have the same
// threads, teachers, losses; the authors' encoders are plain layers or the library's, and layouts are the same or each
// side's own. Then the library's encoders against plain layers.
//
//   stage_steps_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <fmt/format.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/detail/stage_features.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/train_teacher.hpp>

#include "baseline/authors_step.hpp"
#include "baseline/hand_written_step.hpp"
#include "baseline/plain_resnet18.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/check_equal_losses.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"
#include "support/resnet18_convolutions.hpp"
#include "support/roofline.hpp"

namespace {

using Encoder = ResNetProblem::Encoder;
using Encoders = std::vector<std::shared_ptr<Encoder>>;
using Task = g2d::task::Classification;
using Method = g2d::method::G2d<Task>;

/// The same layouts for both sides, those in which plain layers are quickest; or the library's default and the
/// authors'.
enum class Layouts { Same, Own };

enum class AuthorsEncoders { Plain, Library };

Encoders make_encoders(std::uint64_t seed = 0) {
  at::manual_seed(seed);
  return {ResNetProblem::make_encoder(0), ResNetProblem::make_encoder(1)};
}

Encoders make_encoders_in_default_layout() {
  at::manual_seed(0);
  const g2d::encoder::ResNet18Options options{.in_channels = 1};
  return {std::make_shared<Encoder>(options), std::make_shared<Encoder>(options)};
}

/// The layout of the authors' code: nothing is channels-last.
Encoders make_encoders_in_plain_layout(std::uint64_t seed) {
  auto encoders = make_encoders(seed);
  for (const auto& encoder : encoders) {
    for (auto& parameter : encoder->parameters())
      parameter.set_data(parameter.detach().clone(at::MemoryFormat::Contiguous));
  }
  return encoders;
}

/// Teachers with these encoders, each with a head.
std::vector<std::shared_ptr<g2d::UnimodalModel>> make_models_of_teachers(const Encoders& encoders) {
  std::vector<std::shared_ptr<g2d::UnimodalModel>> models;
  for (std::size_t m = 0; m < 2; ++m)
    models.push_back(g2d::make_unimodal_model(bench_names()[m], g2d::Encoder(encoders[m]), bench_classes));
  return models;
}

constexpr std::uint64_t seed_of_teachers = 1;

g2d::Teachers make_teachers() {
  std::vector<g2d::Teacher> teachers;
  for (const auto& model : make_models_of_teachers(make_encoders(seed_of_teachers)))
    teachers.push_back(g2d::Teacher::of(model));
  return {bench_names(), std::move(teachers)};
}

/// A dataset, what the teachers say of it, and the batch that all steps see.
struct Setup {
  Setup(const BenchOptions& given, BenchReport& where)
      : options(given),
        report(where),
        pairs(options.pairs(9)),
        machine(measure_rates()),
        dataset(make_bench_dataset<ResNetProblem>(options.is_smoke ? 8 : 64)),
        cache(g2d::TeacherCache::precompute(make_teachers(), dataset, Task())),
        rows(g2d::data::shuffled_batches(dataset.size(), options.is_smoke ? 4 : 16, /*seed=*/0, /*epoch=*/0)[0]),
        batch(dataset.batch(rows)) {}

  BenchOptions options;
  BenchReport& report;
  std::int64_t pairs;
  MachineRates machine;
  g2d::data::InMemory dataset;
  g2d::TeacherCache cache;
  at::Tensor rows;
  g2d::Batch batch;
};

/// Modality 0 has the larger input. Without a known one all learn.
struct Stage {
  std::string name;
  std::int64_t epoch;
  std::optional<std::size_t> known = {};

  /// Of a sample, by the encoders that learn.
  [[nodiscard]] double flops() const {
    constexpr std::array<std::int64_t, 2> sizes{112, 28};
    double sum = 0.0;
    for (std::size_t m = 0; m < 2; ++m) sum += known == m ? 0.0 : resnet18_training_flops(1, sizes[m]);
    return sum;
  }
};

/// The surer teacher's modality waits in the first stage.
const g2d::PerModality<double> confidence{0.9, 0.1};

std::vector<Stage> stages() {
  return {{"1x112^2 suppressed, known", 0, 0}, {"1x28^2 suppressed, known", 1, 1}, {"all learn", 2}};
}

/// What the trainer keeps of a stage's encoder that stands still: a table of its features, filled in the first epoch,
/// which is not timed.
class KnownFeatures {
 public:
  KnownFeatures(const g2d::AnyStudent& student, const Stage& stage, const g2d::data::InMemory& dataset)
      : student_(student), table_(dataset.size(), /*memory_limit=*/1 << 30) {
    g2d::PerModality<bool> stands_still(2, false);
    if (stage.known) stands_still[*stage.known] = true;
    table_.begin_epoch(student, stands_still);
    for (const auto& rows : g2d::data::ordered_batches(dataset.size(), 16)) (void)of(dataset.batch(rows), rows);
  }

  [[nodiscard]] g2d::PerModality<at::Tensor> of(const g2d::Batch& batch, const at::Tensor& rows) {
    return table_.features(rows, [&](std::size_t m) { return features_in_evaluation(student_, m, batch); });
  }

 private:
  const g2d::AnyStudent& student_;
  g2d::detail::StageFeatures table_;
};

struct Aims {
  std::optional<Aim> heavy = {};  ///< A step with the heavy encoder suppressed.
  std::optional<Aim> joint = {};
  std::optional<Aim> each = {};  ///< A step of each stage.
};

struct Variant {
  std::string name;
  AuthorsEncoders encoders;
  Layouts layouts = Layouts::Same;
  g2d::Precision precision = g2d::Precision::Full;
  Aims aims = {};

  [[nodiscard]] std::optional<Aim> aim(const Stage& stage) const {
    if (!stage.known) return aims.joint;
    return *stage.known == 0 ? aims.heavy : std::nullopt;
  }
};

/// g2d's training, step by step through its stages.
class OurSide {
 public:
  OurSide(const Setup& setup, const Variant& variant)
      : setup_(setup),
        student_(make_resnet_student(
            variant.layouts == Layouts::Same ? make_encoders() : make_encoders_in_default_layout(), variant.precision)),
        step_(*student_, Method(), {.num_epochs = 3}, make_bench_summary(*student_, confidence)) {
    for (const auto& stage : stages()) known_.emplace_back(*student_, stage, setup.dataset);
  }

  void enter(const Stage& stage) {
    step_.begin_epoch(stage.epoch);
    stage_ = static_cast<std::size_t>(stage.epoch);
  }

  at::Tensor step() {
    const auto taught = setup_.cache.outputs(setup_.batch);
    return step_(setup_.batch, &taught, known_[stage_].of(setup_.batch, setup_.rows)).total;
  }

 private:
  const Setup& setup_;
  std::shared_ptr<g2d::AnyStudent> student_;
  g2d::Step<g2d::AnyStudent, Method> step_;
  std::vector<KnownFeatures> known_;
  std::size_t stage_ = 0;
};

void learns(auto& authors, const Stage& stage) {
  authors.learns_alone(stage.known ? std::optional(1 - *stage.known) : std::nullopt);
}

template <class Authors>
void compare_stages(const Setup& setup, const Variant& variant, Authors authors) {
  OurSide ours(setup, variant);
  const bool is_full = variant.precision == g2d::Precision::Full;
  const auto& machine = is_full ? setup.machine.float32 : setup.machine.bfloat16.value();
  const auto num_samples = static_cast<double>(setup.batch.size());
  const auto enter = [&](const Stage& stage) {
    ours.enter(stage);
    learns(authors, stage);
  };
  // Where all learn; the authors' encoders that are held back run in training mode, ours in evaluation mode: that loss
  // is another.
  enter(stages().back());
  check_equal_losses(
      variant.name,
      {{"g2d", [&] { return ours.step().template item<double>(); }}, {"authors", [&] { return authors(setup.batch); }}},
      is_full ? 1e-4 : 5e-2);
  double flops = 0.0;
  for (const auto& stage : stages()) {
    enter(stage);
    const auto name = variant.name + ", " + stage.name;
    const auto timing = time_pairs([&] { (void)ours.step(); }, [&] { (void)authors(setup.batch); }, setup.pairs);
    setup.report.add_speedup(name, "g2d", "authors", timing, variant.aim(stage));
    report_rate(setup.report, name, num_samples * stage.flops(), timing.median_a, machine);
    flops += num_samples * stage.flops();
  }
  const auto ours_in_turn = [&] {
    for (const auto& stage : stages()) {
      ours.enter(stage);
      (void)ours.step();
    }
  };
  const auto authors_in_turn = [&] {
    for (const auto& stage : stages()) {
      learns(authors, stage);
      (void)authors(setup.batch);
    }
  };
  const auto timing = time_pairs(ours_in_turn, authors_in_turn, setup.pairs);
  setup.report.add_speedup(variant.name + ", a step of each stage", "g2d", "authors", timing, variant.aims.each);
  report_rate(setup.report, variant.name + ", a step of each stage", flops, timing.median_a, machine);
}

void compare_stages(const Setup& setup, const Variant& variant) {
  const auto make = [&](std::uint64_t seed) {
    return variant.layouts == Layouts::Same ? make_encoders(seed) : make_encoders_in_plain_layout(seed);
  };
  const auto model = model_of<Encoder>(*make_resnet_student(make(0)));
  std::vector<UnimodalModel<Encoder>> teachers;
  for (const auto& teacher : make_models_of_teachers(make(seed_of_teachers)))
    teachers.push_back(unimodal_models_of<Encoder>(*teacher)[0]);
  if (variant.encoders == AuthorsEncoders::Library)
    compare_stages(setup, variant, AuthorsStep(model, teachers));
  else
    compare_stages(setup, variant, AuthorsStep(in_plain_layers(model), in_plain_layers(teachers)));
}

void compare_variants(const Setup& setup, const std::string& name, g2d::Precision precision, Aims aims) {
  compare_stages(setup, {.name = name, .encoders = AuthorsEncoders::Plain, .precision = precision, .aims = aims});
  compare_stages(setup, {.name = name + ", each side's own layout",
                         .encoders = AuthorsEncoders::Plain,
                         .layouts = Layouts::Own,
                         .precision = precision});
  compare_stages(setup, {.name = name + ", the library's encoders for both",
                         .encoders = AuthorsEncoders::Library,
                         .precision = precision});
}

/// Both are one function.
void check_equal(const at::Tensor& features, const at::Tensor& expected) {
  const double difference = features.sub(expected).abs().max().div(expected.abs().max()).item().toDouble();
  if (!(difference < 1e-3))
    throw std::runtime_error(
        fmt::format("plain layers and the library's differ by {:.1e} of the largest feature", difference));
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
    setup.report.add_speedup(
        m == 0 ? "ResNet-18 of 1x112^2, forward and backward" : "ResNet-18 of 1x28^2, forward and backward", "library",
        "plain layers", timing);
  }
}

/// `Step` against the same by hand, in every stage; both are handed what is known.
void compare_by_hand(const Setup& setup) {
  const auto student = make_resnet_student(make_encoders());
  const auto twin = make_resnet_student(make_encoders());
  const auto taught = setup.cache.outputs(setup.batch);
  g2d::Step step(*student, Method(), {.num_epochs = 3}, make_bench_summary(*student, confidence));
  HandWrittenStep<Encoder> by_hand(unimodal_models_of<Encoder>(*twin));
  g2d::PerModality<at::Tensor> known;
  const auto ours = [&] { return step(setup.batch, &taught, known).total; };
  const auto hand = [&] { return by_hand(setup.batch, taught, known); };
  const auto enter = [&](const Stage& stage) {
    step.begin_epoch(stage.epoch);
    known.clear();
    known.resize(2);
    if (stage.known) known[*stage.known] = features_in_evaluation(*student, *stage.known, setup.batch);
  };
  // All stages first, while both have taken the same steps.
  for (const auto& stage : stages()) {
    enter(stage);
    check_equal_losses("by hand, " + stage.name, {{"Step", [&] { return ours().item<double>(); }},
                                                  {"by hand", [&] { return hand().item<double>(); }}});
  }
  for (const auto& stage : stages()) {
    enter(stage);
    const auto timing = time_pairs([&] { (void)ours(); }, [&] { (void)hand(); }, setup.pairs);
    setup.report.add_time_ratio("float32, " + stage.name + ", by hand", "Step", "by hand", timing, at_most(1.02));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("stage_steps", options);
  const Setup setup(options, report);
  report_machine(report, setup.machine);
  compare_variants(setup, "float32", g2d::Precision::Full,
                   {.heavy = at_least(9.0), .joint = at_least(1.3), .each = at_least(2.0)});
  if (can_compare_bfloat16(setup.machine))
    compare_variants(setup, "bfloat16", g2d::Precision::BFloat16, {.each = at_least(3.5)});
  compare_encoders(setup);
  compare_by_hand(setup);
}
