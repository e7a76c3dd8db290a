// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/encoder/mlp.hpp>
#include <g2d/suppression/zeroed_gradients.hpp>
#include <g2d/train/detail/candidate_epochs.hpp>
#include <g2d/train/trainer.hpp>

#include "support/snapshot.hpp"
#include "support/temporary_folder.hpp"
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

/// A dataset that counts the samples whose inputs it reads, of each modality.
struct CountingReads {
  const g2d::data::InMemory& samples;
  std::shared_ptr<std::vector<std::int64_t>> num_read = std::make_shared<std::vector<std::int64_t>>(2, 0);
  g2d::PerModality<bool> is_read{true, true};

  [[nodiscard]] const g2d::ModalityNames& names() const { return samples.names(); }
  [[nodiscard]] std::int64_t size() const { return samples.size(); }
  [[nodiscard]] bool is_deterministic() const { return true; }
  [[nodiscard]] std::string fingerprint() const { return samples.fingerprint(); }
  [[nodiscard]] g2d::Batch batch(const at::Tensor& rows) const {
    for (std::size_t m = 0; m < 2; ++m) (*num_read)[m] += is_read[m] ? rows.size(0) : 0;
    return samples.reading(is_read).batch(rows);
  }
  [[nodiscard]] CountingReads reading(const g2d::PerModality<bool>& modalities) const {
    return {samples, num_read, modalities};
  }
};

struct LooksAtInputs {
  static constexpr g2d::method::Needs needs{.inputs = true};
  void gradients(const g2d::method::StepContext& context, const g2d::method::Outputs&, g2d::method::GradientView&) {
    for (const auto& input : context.batch.inputs) REQUIRE(input.values.defined());
  }
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
    for (std::size_t m = 0; m < 2; ++m)
      seen.push_back(dynamic_cast<Counting&>(*student->encoder(m).module()).num_samples);
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
  CHECK(reused.seen == std::vector<std::vector<std::int64_t>>{
                           {epoch, epoch}, {2 * epoch, epoch}, {3 * epoch, epoch}, {4 * epoch, 2 * epoch}});
  CHECK(plain.seen[2] == std::vector<std::int64_t>{3 * epoch, 3 * epoch});
  CHECK(reused.work[2].forwards[0] == 3 * num_train);
  CHECK(reused.work[2].forwards[1] == num_train);
  CHECK(reused.work[3].forwards[1] == 2 * num_train);
  CHECK(plain.work[2].forwards[1] == 3 * num_train);
  CHECK(reused.work[3].backwards == plain.work[3].backwards);
}

TEST_CASE("Trainer: features past the memory limit are mapped from a file that leaves nothing behind",
          "[trainer][reuse]") {
  const auto count_files = [] {
    std::size_t count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::temp_directory_path())) {
      count += entry.path().filename().string().starts_with("g2d-table-");
    }
    return count;
  };
  const auto count_mapped = [] {
    std::size_t count = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) count += line.find("g2d-table-") != std::string::npos;
    return count;
  };
  const auto num_files = count_files();
  std::vector<std::size_t> mapped_after;  // each epoch
  const auto run = [&](std::int64_t memory_bytes) {
    mapped_after.clear();
    return train(with([&](Case& c) {
      c.memory_bytes = memory_bytes;
      c.after_epoch = [&](g2d::AnyStudent&, std::int64_t) {
        mapped_after.push_back(count_mapped());
        CHECK(count_files() == num_files);
      };
    }));
  };
  const auto mapped = run(0);
  CHECK(mapped_after ==
        std::vector<std::size_t>{2, 2, 2, 0});  // Training and validation samples of the encoder that waits.
  const auto held = run(std::int64_t{1} << 30);
  CHECK(mapped_after == std::vector<std::size_t>{0, 0, 0, 0});
  check_same(mapped, held);
  CHECK(mapped.seen == held.seen);
}

TEST_CASE("StageFeatures: what is mapped does not count as memory", "[trainer][reuse]") {
  const auto student = norm_dropout_student(0, 2);
  g2d::detail::StageFeatures features(num_train, /*memory_limit=*/num_train * 3 * 4);
  features.begin_epoch(*student, {true, true});
  const auto wide = torch::zeros({num_train, 300}), narrow = torch::ones({num_train, 3});
  const auto known = features.features(torch::arange(num_train), [&](std::size_t m) { return m == 0 ? wide : narrow; });
  CHECK(torch::equal(known[1], narrow));
  std::size_t count = 0;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) count += line.find("g2d-table-") != std::string::npos;
  CHECK(count == 1);
}

TEST_CASE("make_unlinked_table: leaves no file behind, and names a folder without room", "[trainer][reuse]") {
  const char* before = std::getenv("TMPDIR");
  const std::string kept = before == nullptr ? "" : before;
  const g2d_test::TemporaryFolder folder;
  const auto inside = folder.path() / "gone";
  std::filesystem::create_directories(inside);
  ::setenv("TMPDIR", inside.c_str(), 1);
  const auto make = [] { (void)g2d::make_unlinked_table({4, 4}, at::kFloat, "Trainer", "ask for less"); };
  CHECK_NOTHROW(make());
  CHECK(std::filesystem::is_empty(inside));
  const auto too_large = thrown<g2d::DataError>(
      [] { (void)g2d::make_unlinked_table({std::int64_t{1} << 40, 1024}, at::kFloat, "Trainer", "ask for less"); });
  CHECK(too_large == "g2d: Trainer: expected a folder that takes a file of 4503599627370496 bytes, got " +
                         inside.string() + "; set TMPDIR, or ask for less");
  CHECK(std::filesystem::is_empty(inside));
  before == nullptr ? ::unsetenv("TMPDIR") : ::setenv("TMPDIR", kept.c_str(), 1);
}

TEST_CASE("Trainer: inputs of encoders that need not be run are not read", "[trainer][reuse]") {
  const auto run = [](bool reuses, g2d::method::Any method, std::optional<g2d::TeacherSource> teachers = {}) {
    const auto student = norm_dropout_student(3);
    g2d::TrainerOptions options{.num_epochs = 4, .batch_size = 8, .selection = g2d::Selection::Last};
    options.calibrate_norm_statistics = false;
    options.reuses_features = reuses;
    const auto samples = blobs(num_train, 0), validation_samples = blobs(num_validation, 1);
    const CountingReads train_set{samples}, validation_set{validation_samples};
    auto trainer = make_trainer(*student, std::move(method), options, std::move(teachers));
    const auto history = trainer.fit(train_set, validation_set);
    return std::tuple(*train_set.num_read, *validation_set.num_read, history.epochs.back().validation.loss);
  };
  using Counts = std::vector<std::int64_t>;
  const auto [train_reads, validation_reads, loss] = run(true, in_stages({3, 0, 1}));
  CHECK(train_reads == Counts{4 * num_train, 2 * num_train});
  CHECK(validation_reads == Counts{4 * num_validation, 2 * num_validation});
  const auto [all_train_reads, all_validation_reads, same_loss] = run(false, in_stages({3, 0, 1}));
  CHECK(all_train_reads == Counts{4 * num_train, 4 * num_train});
  CHECK(all_validation_reads == Counts{4 * num_validation, 4 * num_validation});
  CHECK(loss == Approx(same_loss).epsilon(1e-5));

  // Somebody looks at the inputs all the same: teachers that are run in the step, or a method.
  const g2d::TeacherSummary summary{.feature_widths = {3, 3}, .num_outputs = num_classes, .confidence = {0.5, 0.5}};
  const auto says = [](const g2d::Batch& batch) {
    for (const auto& input : batch.inputs) REQUIRE(input.values.defined());
    const auto zeros = torch::zeros({batch.size(), 3});
    return g2d::TeacherOutputs{{zeros, zeros}, {zeros, zeros}, {}};
  };
  CHECK(std::get<0>(run(true, in_stages({3, 0, 1}), g2d::TeacherSource{says, summary})) ==
        Counts{4 * num_train, 4 * num_train});
  CHECK(std::get<0>(run(true, g2d::method::Stack(in_stages({3, 0, 1}), LooksAtInputs()))) ==
        Counts{4 * num_train, 4 * num_train});
}

TEST_CASE("Trainer: an encoder that another modality trains does not stand still", "[trainer][reuse]") {
  const auto run = [](bool reuses) {
    torch::manual_seed(4);
    const auto shared =
        std::make_shared<g2d::encoder::Mlp>(g2d::encoder::MlpOptions{.in_features = input_width, .feature_width = 3});
    const auto student = make_student({shared, shared}, num_classes);
    g2d::TrainerOptions options{.num_epochs = 4, .batch_size = 8, .selection = g2d::Selection::Last};
    options.optimizer = g2d::optimizer::Sgd{.learning_rate = 0.1};
    options.reuses_features = reuses;
    std::vector<double> losses;
    options.on_epoch.push_back([&](const g2d::EpochReport& report) { losses.push_back(report.validation.loss); });
    auto trainer = make_trainer(*student, in_stages({3, 0, 1}), options);
    (void)trainer.fit(blobs(num_train, 0), blobs(num_validation, 1));
    return losses;
  };
  const auto reused = run(true), plain = run(false);
  for (std::size_t epoch = 0; epoch < plain.size(); ++epoch) CHECK(reused[epoch] == Approx(plain[epoch]).epsilon(1e-5));
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

TEST_CASE("Trainer: gradients that are only zeroed, or norms of the batch, leave nothing to reuse",
          "[trainer][reuse]") {
  const auto zeroed =
      train(with([](Case& c) { c.method = [] { return in_stages<g2d::suppression::ZeroedGradients>({3, 0, 1}); }; }));
  CHECK(zeroed.seen[2][1] == 3 * (num_train + num_validation));
  // Its own statistics are written to and put back in every step.
  const auto batch_norms = train(with([](Case& c) {
    c.method = [] {
      return in_stages({3, 0, 1},
                       g2d::suppression::Complete({.norm_statistics = g2d::suppression::NormStatistics::Batch}));
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
  CHECK(refused({at::Tensor(), known.narrow(0, 0, 4)})
            .starts_with("g2d: Step: modality \"image\": known features: expected"));
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
