// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// The whole training of a student, each modality alone for a third of the epochs and then both, against the authors' way. Counted
// are the teachers' precomputation, the stages' first passes and the validation of every epoch; the teachers are trained before.

#include <ATen/ops/arange.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/schedule/sequential.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/train_teacher.hpp>
#include <g2d/train/trainer.hpp>

#include "baseline/authors_step.hpp"
#include "support/bench_options.hpp"
#include "support/bench_report.hpp"
#include "support/paired_timing.hpp"
#include "support/problem.hpp"

namespace {

using Encoder = ResNetProblem::Encoder;
constexpr double learning_rate = 0.002;
constexpr std::int64_t evaluation_batch_size = 64;

struct Sizes {
  std::int64_t train, validation, batch, epochs, teacher_epochs;
};

/// A picture for each class and modality under noise: 64 samples are enough to learn it.
g2d::data::InMemory make_split(std::int64_t num_samples, std::uint64_t seed) {
  at::manual_seed(1);
  g2d::PerModality<at::Tensor> pictures;
  for (std::size_t m = 0; m < 2; ++m) {
    auto sizes = ResNetProblem::input_sizes(m);
    sizes.insert(sizes.begin(), bench_classes);
    pictures.push_back(at::randn(sizes));
  }
  at::manual_seed(100 + seed);
  const auto labels = at::arange(num_samples, at::kLong).remainder(bench_classes);
  g2d::PerModality<g2d::Input> inputs;
  for (std::size_t m = 0; m < 2; ++m) {
    const auto clean = pictures[m].index_select(0, labels);
    inputs.emplace_back(clean.add(at::randn_like(clean), m == 0 ? 2.0 : 1.0));
  }
  return {{"audio", "image"}, std::move(inputs), labels};
}

struct Run {
  double seconds = 0.0;
  double accuracy = 0.0;  ///< On validation, after the last epoch.
};

class Comparison {
 public:
  explicit Comparison(Sizes sizes) : sizes_(sizes), train_(make_split(sizes.train, 0)), validation_(make_split(sizes.validation, 1)) {
    std::vector<g2d::Teacher> teachers;
    for (std::size_t m = 0; m < 2; ++m) {
      at::manual_seed(7 + m);
      const auto model = g2d::make_unimodal_model(train_.names()[m], g2d::Encoder(ResNetProblem::make_encoder(m)), bench_classes);
      auto options = trainer_options(sizes.teacher_epochs);
      teachers.push_back(g2d::train_teacher(model, train_, validation_, m, task_, options).teacher);
      models_.push_back(model);
    }
    teachers_.emplace(train_.names(), std::move(teachers));
  }

  [[nodiscard]] Run with_g2d(g2d::Precision precision) const {
    const auto student = make_resnet_student(precision, /*channels_last=*/false);
    return timed([&] {
      const auto cache = g2d::TeacherCache::precompute(*teachers_, train_, task_, {.batch_size = 16});
      // The encoder with the larger input is the surer one: it waits in the first third.
      g2d::Trainer trainer(*student, g2d::method::G2d<g2d::task::Classification>(), task_, trainer_options(sizes_.epochs),
                           cache.source({0.9, 0.1}));
      return trainer.fit(train_, validation_).epochs.back().validation.fused[0].value;
    });
  }

  [[nodiscard]] Run as_the_authors() const {
    const auto student = make_resnet_student(g2d::Precision::Full, false);
    AuthorsStep<Encoder> step(authors_models<Encoder>(*student), teacher_models(), learning_rate);
    return timed([&] {
      double accuracy = 0.0;
      for (std::int64_t epoch = 0; epoch < sizes_.epochs; ++epoch) {
        const auto third = 3 * epoch / sizes_.epochs;
        step.suppress(third < 2 ? std::optional<std::size_t>(static_cast<std::size_t>(third)) : std::nullopt);
        for (const auto& rows : g2d::data::shuffled_batches(train_.size(), sizes_.batch, /*seed=*/0, epoch)) (void)step(train_.batch(rows));
        std::int64_t num_right = 0;
        for (const auto& rows : g2d::data::ordered_batches(validation_.size(), evaluation_batch_size)) {
          num_right += step.num_right(validation_.batch(rows));
        }
        accuracy = static_cast<double>(num_right) / static_cast<double>(validation_.size());
      }
      return accuracy;
    });
  }

 private:
  [[nodiscard]] g2d::TrainerOptions trainer_options(std::int64_t epochs) const {
    g2d::TrainerOptions options{.num_epochs = epochs, .batch_size = sizes_.batch, .selection = g2d::Selection::Last};
    options.optimizer = g2d::optimizer::Sgd{.learning_rate = learning_rate};
    options.evaluation_batch_size = evaluation_batch_size;
    return options;
  }

  [[nodiscard]] std::vector<AuthorsStep<Encoder>::Model> teacher_models() const {
    std::vector<AuthorsStep<Encoder>::Model> all;
    for (const auto& model : models_) {
      const auto head = model->fusion().parameters();
      all.push_back({std::static_pointer_cast<Encoder>(model->encoder(0).module()), head[0].value, head[1].value});
    }
    return all;
  }

  template <class Work>
  [[nodiscard]] static Run timed(Work&& work) {
    const auto begin = std::chrono::steady_clock::now();
    const double accuracy = work();
    return {std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), accuracy};
  }

  Sizes sizes_;
  g2d::task::Classification task_;
  g2d::data::InMemory train_, validation_;
  std::vector<std::shared_ptr<g2d::UnimodalModel>> models_;
  std::optional<g2d::Teachers> teachers_;
};

void compare(BenchReport& report, const Comparison& comparison, const std::string& name, g2d::Precision precision, std::int64_t pairs, double aim) {
  double with_g2d = 0.0, as_the_authors = 0.0;
  const auto timing = time_pairs([&] { with_g2d = comparison.with_g2d(precision).accuracy; },
                                 [&] { as_the_authors = comparison.as_the_authors().accuracy; }, pairs, 1, /*warm_up=*/false);
  report.add_speedup(name + ", equal thirds", "g2d", "authors", timing, at_least(aim));
  report.add_value(name + ", g2d: validation accuracy at the end", 100.0 * with_g2d, "%");
  report.add_value(name + ", authors: validation accuracy at the end", 100.0 * as_the_authors, "%");
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("student_run", options);
  const Comparison comparison(options.is_smoke ? Sizes{8, 4, 4, 3, 1} : Sizes{64, 32, 16, 30, 8});
  compare(report, comparison, "float32", g2d::Precision::Full, options.pairs(3), 2.0);
  compare(report, comparison, "bfloat16", g2d::Precision::BFloat16, options.pairs(3), 3.5);
}
