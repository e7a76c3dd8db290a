// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <g2d/suppression/zeroed_gradients.hpp>
#include <g2d/train/detail/candidate_epochs.hpp>
#include <g2d/train/trainer.hpp>

#include "support/snapshot.hpp"
#include "support/thrown.hpp"
#include "train/small_problem.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;

constexpr std::int64_t num_train = 40, num_validation = 30;

/// A norm-and-dropout encoder that counts the samples that go through it.
struct Counting : torch::nn::Module {
  Counting() : inner(register_module("inner", std::make_shared<NormDropout>(input_width))) {}
  at::Tensor forward(const at::Tensor& x) {
    num_samples += x.size(0);
    return inner->forward(x);
  }
  [[nodiscard]] std::int64_t feature_width() const { return inner->feature_width(); }

  std::shared_ptr<NormDropout> inner;
  std::int64_t num_samples = 0;
};

struct Result {
  std::vector<std::vector<std::int64_t>> seen;  ///< After each epoch, the samples that went through each encoder.
  std::vector<g2d::Work> work;
  std::vector<double> losses;
  at::Tensor weights;
};

struct Case {
  bool reuses = true;
  std::int64_t memory_bytes = std::int64_t{1} << 30;
  bool is_deterministic = true;
  bool hides_some = false;
  g2d::AbsentFeatures absent = g2d::AbsentFeatures::Zero;
  std::function<void(g2d::AnyStudent&, std::int64_t epoch)> after_epoch = {};
  std::function<void(g2d::AnyStudent&)> before = {};
  std::function<g2d::method::Any()> method = [] { return in_stages({3, 0, 1}); };
};

std::shared_ptr<g2d::AnyStudent> counting_student(g2d::AbsentFeatures absent) {
  torch::manual_seed(5);
  std::vector<g2d::Encoder> encoders;
  for (int m = 0; m < 2; ++m) encoders.emplace_back(std::make_shared<Counting>());
  const g2d::FusionShape shape(names(2), {3, 3}, num_classes);
  return std::make_shared<g2d::AnyStudent>(g2d::fusion::Late(shape), std::move(encoders), g2d::readout::ExactSplit(),
                                           g2d::StudentOptions{.absent_features = absent});
}

/// Every third sample lacks the image: NaN stands there.
void hide(g2d::Batch& batch) {
  const auto lacks = batch.sample_ids.remainder(3).eq(0);
  batch.present = torch::stack({torch::ones_like(lacks), lacks.logical_not()}, 1);
  batch.inputs[1].values = batch.inputs[1].values.masked_fill(lacks.unsqueeze(1), std::nan(""));
}

Result train(const Case& given) {
  const auto student = counting_student(given.absent);
  if (given.before) given.before(*student);
  Result result;
  g2d::TrainerOptions options{.num_epochs = 4, .batch_size = 8, .selection = g2d::Selection::Last};
  options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.05, .momentum = 0.9, .weight_decay = 1e-3};
  options.calibrate_norm_statistics = false;
  options.reuses_features = given.reuses;
  options.feature_memory_bytes = given.memory_bytes;
  options.on_epoch.push_back([&](const g2d::EpochReport& report) {
    auto& seen = result.seen.emplace_back();
    for (std::size_t m = 0; m < 2; ++m) seen.push_back(dynamic_cast<Counting&>(*student->encoder(m).module()).num_samples);
    result.work.push_back(report.work);
    for (const auto& loss : report.losses) result.losses.push_back(loss.second);
    result.losses.push_back(report.validation.loss);
    if (given.after_epoch) given.after_epoch(*student, report.epoch);
  });
  const auto train_samples = blobs(num_train, 0), validation_samples = blobs(num_validation, 1);
  const std::function<void(g2d::Batch&)> change = given.hides_some ? hide : std::function<void(g2d::Batch&)>();
  const LazyDataset train_set{train_samples, change, given.is_deterministic};
  const LazyDataset validation_set{validation_samples, change, given.is_deterministic};
  auto trainer = make_trainer(*student, given.method(), options);
  (void)trainer.fit(train_set, validation_set);
  std::vector<at::Tensor> all;
  for (const auto& parameter : student->parameters()) all.push_back(parameter.detach().flatten());
  for (const auto& buffer : student->buffers()) all.push_back(buffer.detach().to(at::kFloat).flatten());
  result.weights = torch::cat(all);
  return result;
}

/// Reuse changes nothing but the work.
void check_same(const Result& a, const Result& b) {
  CHECK(a.weights.allclose(b.weights, 1e-5, 1e-6));
  REQUIRE(a.losses.size() == b.losses.size());
  for (std::size_t i = 0; i < a.losses.size(); ++i) CHECK(a.losses[i] == Approx(b.losses[i]).epsilon(1e-5));
}

Case with(std::function<void(Case&)> change) {
  Case given;
  change(given);
  return given;
}

}  // namespace

TEST_CASE("Trainer: a suppressed encoder sees each sample once a stage, and nothing else changes", "[trainer][reuse]") {
  const auto reused = train({});
  const auto plain = train({.reuses = false});
  check_same(reused, plain);
  // Audio alone for three epochs, then both. The image encoder: one pass over each split, then none until it learns.
  const std::int64_t epoch = num_train + num_validation;
  CHECK(reused.seen == std::vector<std::vector<std::int64_t>>{{epoch, epoch}, {2 * epoch, epoch}, {3 * epoch, epoch}, {4 * epoch, 2 * epoch}});
  CHECK(plain.seen[2] == std::vector<std::int64_t>{3 * epoch, 3 * epoch});
  CHECK(reused.work[2].forwards[0] == 3 * num_train);
  CHECK(reused.work[2].forwards[1] == num_train);
  CHECK(reused.work[3].forwards[1] == 2 * num_train);
  CHECK(plain.work[2].forwards[1] == 3 * num_train);
  CHECK(reused.work[3].backwards == plain.work[3].backwards);
}

TEST_CASE("Trainer: features past the memory limit are mapped from a file that leaves nothing behind", "[trainer][reuse]") {
  const auto count_files = [] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
      count += entry.path().filename().string().starts_with("g2d-features-");
    }
    return count;
  };
  const auto before = count_files();
  std::size_t during = before;
  const auto mapped = train(with([&](Case& c) {
    c.memory_bytes = 0;
    c.after_epoch = [&](g2d::AnyStudent&, std::int64_t) { during = std::max(during, count_files()); };
  }));
  const auto held = train({});
  check_same(mapped, held);
  CHECK(mapped.seen == held.seen);
  CHECK(during == before);
}

TEST_CASE("Trainer: augmented data are encoded in every step", "[trainer][reuse]") {
  const auto random = train({.is_deterministic = false});
  CHECK(random.seen[2][1] == 3 * (num_train + num_validation));
}

TEST_CASE("Trainer: features go when somebody writes to their encoder", "[trainer][reuse]") {
  const auto disturb = [](g2d::AnyStudent& student, std::int64_t epoch) {
    if (epoch != 1) return;
    const at::NoGradGuard no_grad;
    for (auto& parameter : student.encoder(1).module()->parameters()) parameter.mul_(1.5);
  };
  const auto reused = train(with([&](Case& c) { c.after_epoch = disturb; }));
  const auto plain = train(with([&](Case& c) {
    c.after_epoch = disturb;
    c.reuses = false;
  }));
  check_same(reused, plain);
  CHECK(reused.seen[2][1] == 2 * (num_train + num_validation));
}

TEST_CASE("Trainer: an encoder that the caller froze is run once a run", "[trainer][reuse]") {
  const auto freeze = [](g2d::AnyStudent& student) {
    for (auto& parameter : student.encoder(1).module()->parameters()) parameter.requires_grad_(false);
  };
  const auto reused = train(with([&](Case& c) {
    c.method = joint;
    c.before = freeze;
  }));
  const auto plain = train(with([&](Case& c) {
    c.method = joint;
    c.before = freeze;
    c.reuses = false;
  }));
  check_same(reused, plain);
  CHECK(reused.seen[3] == std::vector<std::int64_t>{4 * (num_train + num_validation), num_train + num_validation});
}

TEST_CASE("Trainer: absent samples are filled in as without reuse", "[trainer][reuse]") {
  const auto absent = GENERATE(g2d::AbsentFeatures::Zero, g2d::AbsentFeatures::Mean, g2d::AbsentFeatures::Learned);
  const auto run = [&](bool reuses) {
    return train(with([&](Case& c) {
      c.hides_some = true;
      c.absent = absent;
      c.reuses = reuses;
    }));
  };
  const auto reused = run(true);
  check_same(reused, run(false));
  CHECK(reused.weights.isfinite().all().item<bool>());
  CHECK(reused.seen[2][1] == num_train + num_validation);
}

TEST_CASE("Trainer: gradients that are only zeroed, or norms of the batch, leave nothing to reuse", "[trainer][reuse]") {
  const auto zeroed = train(with([](Case& c) { c.method = [] { return in_stages<g2d::suppression::ZeroedGradients>({3, 0, 1}); }; }));
  CHECK(zeroed.seen[2][1] == 3 * (num_train + num_validation));
  // Its own statistics are written to and put back in every step.
  const auto batch_norms = train(with([](Case& c) {
    c.method = [] {
      return in_stages({3, 0, 1}, g2d::suppression::Complete({.norm_statistics = g2d::suppression::NormStatistics::Batch}));
    };
  }));
  CHECK(batch_norms.seen[2][1] == 3 * (num_train + num_validation));
}

TEST_CASE("Step: known features stand for an encoder's pass, and are checked", "[step][reuse]") {
  const auto student = counting_student(g2d::AbsentFeatures::Zero);
  g2d::Step<g2d::AnyStudent, g2d::method::Any> step(*student, in_stages({1, 0, 0}));
  const auto batch = blobs(8, 0).batch(torch::arange(8));
  student->eval();
  const auto known = student->encode(1, batch.inputs[1]).detach();
  auto& image = dynamic_cast<Counting&>(*student->encoder(1).module());
  image.num_samples = 0;
  const g2d::PerModality<at::Tensor> features{at::Tensor(), known};
  const auto loss = step(batch, nullptr, features).total;
  CHECK(image.num_samples == 0);
  CHECK(loss.isfinite().item<bool>());
  const auto refused = [&](g2d::PerModality<at::Tensor> given) {
    return thrown<g2d::ShapeError>([&] { (void)step(batch, nullptr, given); });
  };
  CHECK(refused({known}) == "g2d: Step: expected known features for 2 modalities (audio, image), got 1");
  CHECK(refused({at::Tensor(), known.narrow(0, 0, 4)}).starts_with("g2d: Step: modality \"image\": known features: expected"));
}

TEST_CASE("CandidateEpochs: epochs count from where all modalities have begun, and as many as ever do learn together",
          "[trainer]") {
  const auto anew = [](const std::vector<std::vector<bool>>& epochs) {
    g2d::detail::CandidateEpochs candidates;
    std::vector<bool> starts;
    for (const auto& epoch : epochs) starts.push_back(candidates.begin_anew({epoch.begin(), epoch.end()}));
    return starts;
  };
  using Flags = std::vector<bool>;
  const Flags audio{true, false}, image{false, true}, both{true, true};
  CHECK(anew({audio, audio, both, both}) == Flags{true, false, true, false});
  CHECK(anew({audio, image, both}) == Flags{true, true, true});
  CHECK(anew({audio, image, both, audio, image, both}) == Flags{true, true, true, false, false, false});
  CHECK(anew({both, audio, image}) == Flags{true, false, false});
  CHECK(anew({audio, audio}) == Flags{true, false});
}
