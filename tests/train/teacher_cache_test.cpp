// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <ATen/DeviceAccelerator.h>
#include <torch/torch.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <g2d/schedule/joint.hpp>
#include <g2d/task/regression.hpp>
#include <g2d/teacher/teacher_cache.hpp>

#include "support/address_space.hpp"
#include "support/default_dtype.hpp"
#include "support/full_disk.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"
#include "train/small_teachers.hpp"

#include "support/catch.hpp"  // last: LibTorch has a CHECK of its own

namespace {

using namespace g2d_test;
using Catch::Matchers::Contains;
using Task = g2d::task::Classification;
using g2d::TeacherCache;

double distance(const at::Tensor& a, const at::Tensor& b) {
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

double distance(const g2d::TeacherOutputs& a, const g2d::TeacherOutputs& b) {
  double greatest = distance(a.confidence, b.confidence);
  for (std::size_t m = 0; m < a.logits.size(); ++m) {
    greatest = std::max({greatest, distance(a.features[m], b.features[m]), distance(a.logits[m], b.logits[m])});
  }
  return greatest;
}

std::size_t num_files(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

}  // namespace

TEST_CASE("TeacherCache: gives what the teachers give, in any order and for any part of the samples",
          "[teacher][cache]") {
  const auto all = blobs(31, 0);
  const g2d::data::InMemory with_ids(all.names(), all.all().inputs, all.all().target,
                                     torch::arange(31).mul(-7).add(1000));
  const auto teachers = make_teachers();
  for (const auto* dataset : {&all, &with_ids}) {
    const auto cache = TeacherCache::precompute(teachers, *dataset, Task(), {.batch_size = 10});
    CHECK(cache.size() == 31);
    CHECK_FALSE(cache.was_reused());
    for (const auto& rows :
         {torch::arange(31), torch::arange(30, -1, -1), torch::tensor({4, 30, 4, 0}), torch::tensor({17})}) {
      const auto batch = dataset->batch(rows);
      const auto outputs = cache.outputs(batch);
      CHECK(distance(outputs, teachers(batch, Task())) < 1e-6);
      CHECK_FALSE(outputs.logits[0].requires_grad());
    }
    const auto rho = teachers(dataset->all(), Task()).confidence.mean(0);
    CHECK(cache.confidence()[0] == Approx(rho[0].item<double>()));
    CHECK(cache.confidence()[1] == Approx(rho[1].item<double>()));
  }
}

TEST_CASE("TeacherCache: asks for samples and data that it can know", "[teacher][cache]") {
  const auto samples = blobs(12, 0);
  const auto teachers = make_teachers();
  const auto cache = TeacherCache::precompute(teachers, samples, Task());
  const auto sparse = TeacherCache::precompute(teachers, samples.subset(torch::tensor({2, 5, 7})), Task());
  auto batch = samples.batch(torch::tensor({3, 4}));
  CHECK(thrown<g2d::DataError>([&] { (void)sparse.outputs(batch); }) ==
        "g2d: TeacherCache: expected samples that the teachers have seen, got sample id 3; precompute over the dataset "
        "that is "
        "trained on");
  batch.sample_ids = torch::tensor({3, 12});
  CHECK_THAT(thrown<g2d::DataError>([&] { (void)cache.outputs(batch); }), Contains("got sample id 12"));
  batch.sample_ids = torch::tensor({-1, 3});
  CHECK_THAT(thrown<g2d::DataError>([&] { (void)cache.outputs(batch); }), Contains("got sample id -1"));
  batch.sample_ids = torch::tensor({3.0, 1.0});
  CHECK(thrown<g2d::ShapeError>([&] { (void)cache.outputs(batch); }) ==
        "g2d: TeacherCache: expected sample_ids int64 [B] in host memory, got Float [2] on cpu");
  batch.sample_ids = at::Tensor();
  const std::string no_ids = "g2d: TeacherCache: expected a batch with sample_ids, got none; datasets give them";
  CHECK(thrown<g2d::ShapeError>([&] { (void)cache.outputs(batch); }) == no_ids);

  const auto precompute = [&](const auto& dataset) { (void)TeacherCache::precompute(teachers, dataset, Task()); };
  CHECK(thrown<g2d::ShapeError>([&] {
          precompute(
              LazyDataset{.samples = samples, .change = [](g2d::Batch& some) { some.sample_ids = at::Tensor(); }});
        }) == no_ids);
  CHECK(thrown<g2d::ConfigError>([&] { precompute(LazyDataset{.samples = samples, .deterministic = false}); }) ==
        "g2d: TeacherCache: expected a dataset whose samples are always the same, got one with random augmentation: "
        "precomputed "
        "outputs would belong to other inputs; use g2d::online(teachers, ...), or augment nothing");
  CHECK(thrown<g2d::ConfigError>([&] { precompute(blobs(12, 0, 3)); }) ==
        "g2d: TeacherCache: expected a dataset of the teachers' modalities (audio, image), got (audio, image, text)");
  CHECK(thrown<g2d::DataError>([&] { precompute(samples.subset(torch::empty({0}, at::kLong))); }) ==
        "g2d: TeacherCache: expected at least one sample, got an empty dataset");
}

TEST_CASE("TeacherCache: a file is reused for the same teachers and data, and replaced for others",
          "[teacher][cache]") {
  const TemporaryFolder folder;
  const g2d::TeacherCacheOptions options{.batch_size = 8, .file = folder / "teachers.cache"};
  const auto samples = blobs(20, 0);
  const auto teachers = make_teachers();
  const auto precompute = [&](const g2d::Teachers& some, const g2d::data::InMemory& dataset) {
    auto cache = TeacherCache::precompute(some, dataset, Task(), options);
    CHECK(distance(cache.outputs(dataset.all()), some(dataset.all(), Task())) < 1e-6);
    CHECK(num_files(folder) == 1);
    return cache.was_reused();
  };
  CHECK_FALSE(precompute(teachers, samples));
  const auto bytes = read_bytes(options.file);
  CHECK(precompute(teachers, samples));
  CHECK(read_bytes(options.file) == bytes);
  CHECK(TeacherCache::precompute(teachers, samples, Task(), options).seconds() == 0.0);

  CHECK_FALSE(precompute(teachers, blobs(20, 3)));          // other samples,
  CHECK_FALSE(precompute(teachers, blobs(23, 3)));          // more of them,
  CHECK_FALSE(precompute(make_teachers(2), blobs(23, 3)));  // other weights
  auto changed = make_teachers(2);
  CHECK(precompute(changed, blobs(23, 3)));
  changed[1].module()->named_buffers()["encoders.image.norm.running_mean"].add_(0.5);
  CHECK_FALSE(precompute(changed, blobs(23, 3)));  // and other norm statistics
  CHECK(precompute(changed, blobs(23, 3)));
}

TEST_CASE("TeacherCache: a file of another task's confidences is replaced", "[teacher][cache]") {
  const TemporaryFolder folder;
  const g2d::TeacherCacheOptions options{.file = folder / "teachers.cache"};
  const auto inputs = blobs(20, 0);
  const g2d::data::InMemory samples(inputs.names(), inputs.all().inputs, torch::randn({20, num_classes}));
  const auto teachers = make_teachers();
  const auto rho = [&](double variance) {
    const g2d::task::Regression task({.target_variance = variance});
    return TeacherCache::precompute(teachers, samples, task, options).confidence()[0];
  };
  const double wide = rho(4.0);
  CHECK(rho(4.0) == wide);
  CHECK(rho(0.25) < wide);
  CHECK(rho(4.0) == wide);
}

TEST_CASE("TeacherCache: a damaged file is replaced", "[teacher][cache]") {
  const TemporaryFolder folder;
  const g2d::TeacherCacheOptions options{.file = folder / "teachers.cache"};
  const auto samples = blobs(20, 0);
  const auto teachers = make_teachers();
  (void)TeacherCache::precompute(teachers, samples, Task(), options);
  const auto bytes = read_bytes(options.file);
  const std::vector<std::string> damaged{"",
                                         "x",
                                         "not a cache",
                                         bytes.substr(0, 70),
                                         bytes.substr(0, bytes.size() / 2),
                                         bytes.substr(0, bytes.size() - 1),
                                         bytes + "x",
                                         std::string(bytes.size(), '\xff'),
                                         std::string(bytes.size(), '\0')};
  for (const auto& damage : damaged) {
    INFO(damage.size() << " bytes");
    write_bytes(options.file, damage);
    const auto cache = TeacherCache::precompute(teachers, samples, Task(), options);
    CHECK_FALSE(cache.was_reused());
    CHECK(distance(cache.outputs(samples.all()), teachers(samples.all(), Task())) < 1e-6);
    CHECK(read_bytes(options.file) == bytes);
  }
}

TEST_CASE("TeacherCache: a place that cannot be written is told, and what was there stays", "[teacher][cache]") {
  const TemporaryFolder folder;
  const auto samples = blobs(400, 0);
  const auto teachers = make_teachers();
  const auto precompute = [&](const std::filesystem::path& file) {
    (void)TeacherCache::precompute(teachers, samples, Task(), {.file = file});
  };
  CHECK_THAT(thrown<g2d::DataError>([&] { precompute(folder / "absent/teachers.cache"); }),
             Contains("teachers.cache: cannot be written: No such file or directory"));
  CHECK_THAT(thrown<g2d::DataError>([&] { precompute(folder.path()); }), Contains("expected a regular file"));

  const auto file = folder / "teachers.cache";
  (void)TeacherCache::precompute(make_teachers(2), samples, Task(), {.file = file});
  const auto bytes = read_bytes(file);
  CHECK_THAT(thrown<g2d::DataError>([&] {
               const FullDisk full(4096);
               precompute(file);
             }),
             Contains("teachers.cache: cannot be written: File too large"));
  CHECK(read_bytes(file) == bytes);
  CHECK(num_files(folder) == 1);
}

TEST_CASE("TeacherCache: a file is written batch by batch, and a disk without room shows before the first",
          "[teacher][cache]") {
  constexpr std::int64_t width = 4096;
  const auto layer = std::make_shared<torch::nn::LinearImpl>(1, 1);
  int num_passes = 0;
  const g2d::Teacher teacher(
      layer,
      [&](const g2d::Input& input) {
        ++num_passes;
        return g2d::Teacher::Output{input.values.narrow(1, 0, 1).expand({-1, width}),
                                    input.values.narrow(1, 0, num_classes)};
      },
      width, num_classes);
  const g2d::Teachers teachers(names(1), {teacher});
  const auto samples = blobs(4000, 0, 1);
  const TemporaryFolder folder;
  const g2d::TeacherCacheOptions options{.batch_size = 100, .file = folder / "teachers.cache"};
  {
    const FullDisk full(1 << 20);
    CHECK_THAT(thrown<g2d::DataError>([&] { (void)TeacherCache::precompute(teachers, samples, Task(), options); }),
               Contains("cannot be written"));
  }
  CHECK(num_passes == 0);
  CHECK(num_files(folder) == 0);
  const AddressSpace memory;
  const auto cache = TeacherCache::precompute(teachers, samples, Task(), options);
  CHECK(num_passes == 40);
  const auto file_bytes = static_cast<double>(std::filesystem::file_size(options.file));
  CHECK(static_cast<double>(memory.growth()) < 1.3 * file_bytes);  // The file, mapped.
  const auto batch = samples.batch(at::tensor({3999, 0, 150}, at::kLong));
  CHECK(distance(cache.outputs(batch), teachers(batch, Task())) == 0.0);
}

TEST_CASE("TeacherCache: a file holds every sample, however the batches divide them", "[teacher][cache]") {
  const std::int64_t num_samples = GENERATE(1, 8, 9, 17, 20);
  INFO(num_samples << " samples in batches of 8");
  const auto samples = blobs(num_samples, 0);
  const auto teachers = make_teachers();
  const TemporaryFolder folder;
  const auto cache =
      TeacherCache::precompute(teachers, samples, Task(), {.batch_size = 8, .file = folder / "teachers.cache"});
  CHECK(distance(cache.outputs(samples.all()), teachers(samples.all(), Task())) < 1e-5);
}

TEST_CASE("TeacherCache: a teacher without parameters has no file of its own", "[teacher][cache]") {
  const auto layer = std::make_shared<torch::nn::IdentityImpl>();
  const g2d::Teacher teacher(
      layer,
      [](const g2d::Input& input) {
        return g2d::Teacher::Output{input.values, input.values.narrow(1, 0, num_classes)};
      },
      input_width, num_classes);
  const g2d::Teachers teachers(names(1), {teacher});
  const auto samples = blobs(12, 0, 1);
  const auto cache = TeacherCache::precompute(teachers, samples, Task());
  CHECK(distance(cache.outputs(samples.all()), teachers(samples.all(), Task())) == 0.0);
  const TemporaryFolder folder;
  CHECK(thrown<g2d::ConfigError>(
            [&] { (void)TeacherCache::precompute(teachers, samples, Task(), {.file = folder / "teachers.cache"}); }) ==
        "g2d: TeacherCache: modality \"audio\": expected a teacher with parameters, which tell its file from "
        "another's, got "
        "none; leave the file out");
}

TEST_CASE("TeacherCache: keeps double precision, in memory and in a file", "[teacher][cache]") {
  const DefaultDtype dtype(at::kDouble);
  const TemporaryFolder folder;
  const auto samples = blobs(24, 0, 2, at::kDouble);
  torch::manual_seed(1);
  std::vector<g2d::Teacher> made;
  for (const auto& modality : names(2)) made.push_back(g2d::Teacher::of(unimodal(modality)));
  const g2d::Teachers teachers(names(2), std::move(made));
  const g2d::TeacherCacheOptions in_file{.file = folder / "teachers.cache"};
  const auto memory = TeacherCache::precompute(teachers, samples, Task());
  const auto written = TeacherCache::precompute(teachers, samples, Task(), in_file);
  const auto reused = TeacherCache::precompute(teachers, samples, Task(), in_file);
  REQUIRE(reused.was_reused());
  for (const auto* cache : {&memory, &written, &reused}) {
    const auto outputs = cache->outputs(samples.all());
    CHECK(outputs.logits[0].scalar_type() == at::kDouble);
    CHECK(outputs.features[1].scalar_type() == at::kDouble);
    CHECK(distance(outputs, teachers(samples.all(), Task())) < 1e-14);
    const auto student = norm_dropout_student(2);
    const auto history =
        make_trainer(*student, g2d_method(), {.num_epochs = 3, .batch_size = 8}, cache->source()).fit(samples, samples);
    CHECK(history.epochs[0].num_skipped == 0);
  }
}

TEST_CASE("TeacherCache: float16 storage halves the tables and hands out the teachers' dtype", "[teacher][cache]") {
  const TemporaryFolder folder;
  const auto samples = blobs(200, 0);
  const auto teachers = make_teachers();
  const g2d::TeacherCacheOptions full{.file = folder / "full.cache"};
  const g2d::TeacherCacheOptions half{.file = folder / "half.cache", .storage = at::kHalf};
  (void)TeacherCache::precompute(teachers, samples, Task(), full);
  const auto memory = TeacherCache::precompute(teachers, samples, Task(), {.storage = at::kHalf});
  const auto written = TeacherCache::precompute(teachers, samples, Task(), half);
  const auto reused = TeacherCache::precompute(teachers, samples, Task(), half);
  CHECK_FALSE(written.was_reused());
  REQUIRE(reused.was_reused());
  const auto table_bytes = static_cast<double>(200 * 2 * (3 + num_classes) * 4);
  const auto saved = static_cast<double>(std::filesystem::file_size(full.file)) -
                     static_cast<double>(std::filesystem::file_size(half.file));
  CHECK(saved == Approx(table_bytes / 2.0).margin(2 * 64.0));
  const auto exact = teachers(samples.all(), Task());
  for (const auto* cache : {&memory, &written, &reused}) {
    const auto outputs = cache->outputs(samples.all());
    for (std::size_t m = 0; m < 2; ++m) {
      CHECK(outputs.logits[m].scalar_type() == at::kFloat);
      CHECK(torch::equal(outputs.logits[m], exact.logits[m].to(at::kHalf).to(at::kFloat)));
      CHECK(torch::equal(outputs.features[m], exact.features[m].to(at::kHalf).to(at::kFloat)));
      const auto confidence = Task().confidence(outputs.logits[m], samples.all().target).to(at::kDouble);
      CHECK(torch::equal(outputs.confidence.select(1, static_cast<std::int64_t>(m)), confidence));
    }
  }
  CHECK_FALSE(TeacherCache::precompute(teachers, samples, Task(), {.file = half.file}).was_reused());
}

TEST_CASE("TeacherCache: storage that cannot hold the outputs is refused", "[teacher][cache]") {
  const auto samples = blobs(8, 0);
  const auto teachers = make_teachers();
  const auto precompute = [&](g2d::TeacherCacheOptions options) {
    (void)TeacherCache::precompute(teachers, samples, Task(), options);
  };
  CHECK(thrown<g2d::ConfigError>([&] { precompute({.storage = at::kLong}); }) ==
        "g2d: TeacherCache: storage: expected a floating-point dtype (at::kHalf, at::kFloat, ...), got Long");
  CHECK(thrown<g2d::ConfigError>([&] { precompute({.batch_size = -1}); }) ==
        "g2d: TeacherCache: batch_size: expected at least 1, or 0 to choose it, got -1");
  for (auto& parameter : teachers[1].module()->parameters()) parameter.fill_(1e6);
  const std::string too_large =
      "g2d: TeacherCache: modality \"image\": expected outputs that Half can hold, got larger ones; use storage = "
      "at::kFloat";
  CHECK(thrown<g2d::ConfigError>([&] { precompute({.storage = at::kHalf}); }) == too_large);
  const auto with_nan = [large = teachers[1]](const g2d::Input& input) {
    auto output = large(input);
    output.features[0].fill_(std::nan(""));
    return output;
  };
  const g2d::Teachers hidden(
      teachers.names(),
      {teachers[0], g2d::Teacher(teachers[1].module(), with_nan, teachers[1].feature_width(), teachers.num_outputs())});
  CHECK(thrown<g2d::ConfigError>(
            [&] { (void)TeacherCache::precompute(hidden, samples, Task(), {.storage = at::kHalf}); }) == too_large);
  CHECK_NOTHROW(precompute({.storage = at::kBFloat16}));
}

TEST_CASE("TeacherCache: passes in bfloat16 keep the teachers' dtype, and their file apart", "[teacher][cache]") {
  const TemporaryFolder folder;
  const auto file = folder / "teachers.cache";
  const auto samples = blobs(40, 0);
  const auto teachers = make_teachers();
  const auto exact = teachers(samples.all(), Task());
  (void)TeacherCache::precompute(teachers, samples, Task(), {.file = file});
  for (const auto precision : {g2d::Precision::BFloat16, g2d::Precision::Float16}) {
    const auto cache = TeacherCache::precompute(teachers, samples, Task(), {.file = file, .precision = precision});
    CHECK_FALSE(cache.was_reused());
    const auto outputs = cache.outputs(samples.all());
    CHECK(outputs.logits[0].scalar_type() == at::kFloat);
    CHECK(distance(outputs, exact) > 1e-6);
    CHECK(distance(outputs, exact) < 0.05);
  }
  CHECK_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
}

TEST_CASE("TeacherCache: chooses its batch by the size of a sample", "[teacher][cache]") {
  const auto chosen = [](at::IntArrayRef sample, at::Device device) {
    g2d::Batch one;
    one.inputs = {g2d::Input{torch::zeros({1, 2})}, g2d::Input{torch::zeros({1}).expand(sample).unsqueeze(0)}};
    return g2d::detail::inference_batch_size(one, device);
  };
  CHECK(chosen({8}, at::kCPU) == 1024);
  CHECK(chosen({1, 28, 28}, at::kCPU) == 256);
  CHECK(chosen({1, 112, 112}, at::kCPU) == 16);
  CHECK(chosen({3, 224, 224}, at::kCPU) == 8);
  CHECK(chosen({3, 224, 224}, at::kCUDA) == 16);
  CHECK(chosen({1, 112, 112}, at::kCUDA) == 256);
}

TEST_CASE("TeacherCache: a file is reused for samples on an accelerator", "[teacher][cache][device]") {
  const at::Device device(at::accelerator::getAccelerator(/*checked=*/true).value(), at::accelerator::getDeviceIndex());
  const TemporaryFolder folder;
  const auto present = torch::arange(60).view({30, 2}).remainder(7).gt(0);
  const auto full = blobs(30, 0).all();
  const auto samples = g2d::data::InMemory(names(2), full.inputs, full.target, {}, present).to(device);
  const auto teachers = make_teachers();
  for (std::size_t m = 0; m < 2; ++m) teachers[m].module()->to(device);
  const g2d::TeacherCacheOptions options{.file = folder / "teachers.cache"};
  CHECK_FALSE(TeacherCache::precompute(teachers, samples, Task(), options).was_reused());
  CHECK(TeacherCache::precompute(teachers, samples, Task(), options).was_reused());
}

TEST_CASE("Teachers: a sample that lacks a modality says nothing of its teacher", "[teacher][cache]") {
  const TemporaryFolder folder;
  const auto samples = blobs(30, 0);
  auto inputs = samples.all().inputs;
  inputs[1].values = inputs[1].values.clone();
  auto present = torch::ones({30, 2}, at::kBool);
  present.narrow(0, 0, 10).select(1, 1).fill_(false);
  const g2d::data::InMemory holed(samples.names(), inputs, samples.all().target, {}, present);
  const LazyDataset dataset{.samples = holed, .change = [](g2d::Batch& batch) {
                              const auto absent = batch.present.select(1, 1).logical_not().unsqueeze(1);
                              batch.inputs[1].values = batch.inputs[1].values.masked_fill(absent, std::nan(""));
                            }};
  const auto teachers = make_teachers();
  const auto rho = teachers(samples.all(), Task()).confidence.select(1, 1).narrow(0, 10, 20).mean().item<double>();
  for (const auto& options :
       {g2d::TeacherCacheOptions{}, {.file = folder / "teachers.cache"}, {.file = folder / "teachers.cache"}}) {
    const auto cache = TeacherCache::precompute(teachers, dataset, Task(), options);
    CHECK(cache.confidence()[1] == Approx(rho));
    const auto outputs = cache.outputs(dataset.batch(torch::arange(30)));
    CHECK(outputs.logits[1].isfinite().all().item<bool>());
    CHECK(outputs.present.equal(present));
    CHECK(outputs.confidence.select(1, 1).narrow(0, 0, 10).abs().max().item<double>() == 0.0);
    const auto student = norm_dropout_student(2);
    const auto history =
        make_trainer(*student, g2d_method(), {.num_epochs = 3, .batch_size = 8}, cache.source()).fit(dataset, dataset);
    for (const auto& epoch : history.epochs) CHECK(epoch.num_skipped == 0);
  }
  CHECK(TeacherCache::precompute(teachers, dataset, Task(), {.file = folder / "teachers.cache"}).was_reused());
}

TEST_CASE("TeacherCache: a run with cached teachers equals one with teachers online", "[teacher][cache]") {
  const TemporaryFolder folder;
  const auto train = blobs(40, 0);
  const auto validation = blobs(24, 1);
  const auto teachers = make_teachers();
  const auto cache = TeacherCache::precompute(teachers, train, Task());
  const auto mapped = TeacherCache::precompute(teachers, train, Task(), {.file = folder / "teachers.cache"});
  const auto losses = [&](const g2d::TeacherSource& source) {
    const auto student = norm_dropout_student(7);
    auto trainer = make_trainer(*student, g2d_method(), {.num_epochs = 6, .batch_size = 8}, source);
    std::vector<double> all;
    for (const auto& epoch : trainer.fit(train, validation).epochs) {
      REQUIRE(epoch.losses.size() == 6);  // total, task, 2 x feature, 2 x logit
      for (const auto& loss : epoch.losses) all.push_back(loss.second);
    }
    return all;
  };
  const auto online = losses(g2d::online(teachers, Task(), cache.confidence()));
  const auto cached = losses(cache.source());
  CHECK(losses(mapped.source()) == cached);
  REQUIRE(online.size() == cached.size());
  for (std::size_t i = 0; i < online.size(); ++i) CHECK(online[i] == Approx(cached[i]).epsilon(1e-4));
}

TEST_CASE("TeacherCache: the mean teacher that it keeps is that of the outputs that it hands out", "[teacher][cache]") {
  const auto samples = blobs(1100, 0);  // More than one block
  const g2d::distillation::Kl kl({.temperature = 2.0});
  for (const auto storage : {at::kFloat, at::kHalf}) {
    auto cache = TeacherCache::precompute(make_teachers(), samples, Task(), {.storage = storage});
    const auto batch = samples.batch(at::tensor({1099, 0, 3, 1024}, at::kLong));
    CHECK_FALSE(cache.outputs(batch).mean.probabilities.defined());
    CHECK_FALSE(cache.source().summary.mean_temperature);
    cache.keep_mean(kl);
    CHECK(cache.source().summary.mean_temperature == 2.0);
    const auto outputs = cache.outputs(batch);
    const auto expected = kl.mean_of(outputs.logits);
    CHECK(distance(outputs.mean.probabilities, expected.probabilities) < 1e-6);
    CHECK(distance(outputs.mean.negative_entropy, expected.negative_entropy) < 1e-6);
    CHECK(outputs.mean.probabilities.scalar_type() == at::kFloat);
  }
}

TEST_CASE("TeacherCache: a run that hears the mean teacher equals one that hears each, with one logit term",
          "[teacher][cache]") {
  const auto train = blobs(40, 0);
  const auto validation = blobs(24, 1);
  const g2d::distillation::Kl kl({.temperature = 2.0});
  auto cache = TeacherCache::precompute(make_teachers(), train, Task());
  using Labels = std::vector<std::string>;
  const auto train_with = [&](const g2d::distillation::Any& formula) {
    const auto student = norm_dropout_student(7);
    using Method = g2d::method::G2d<Task, g2d::distillation::Mse, g2d::distillation::Any>;
    Method method({.logit_weight = 0.5}, Task(), g2d::distillation::Mse(), formula);
    const auto history = make_trainer(*student, std::move(method), {.num_epochs = 3, .batch_size = 8}, cache.source())
                             .fit(train, validation);
    Labels labels;
    for (const auto& loss : history.epochs.back().losses) labels.push_back(loss.first);
    return std::tuple(labels, history.epochs.back().losses[0].second, student->parameters());
  };
  const auto [labels_of_each, loss_of_each, expected] = train_with(kl);
  cache.keep_mean(kl);
  const auto [labels_of_mean, loss_of_mean, given] = train_with(kl);
  CHECK(labels_of_each == Labels{"total", "task", "feature.audio", "logit.audio", "feature.image", "logit.image"});
  CHECK(labels_of_mean == Labels{"total", "task", "logit", "feature.audio", "feature.image"});
  CHECK(loss_of_mean == Approx(loss_of_each).epsilon(1e-5));
  for (std::size_t k = 0; k < expected.size(); ++k) CHECK(distance(given[k], expected[k]) < 1e-5);

  CHECK(thrown<g2d::ConfigError>([&] { (void)train_with(g2d::distillation::Kl()); }) ==
        "g2d: logit distillation: expected KL at temperature 2, whose mean the teachers' source keeps, got temperature "
        "1; keep the mean of "
        "the method's formula, or none");
  CHECK(thrown<g2d::ConfigError>([&] { (void)train_with(g2d::distillation::Mse()); }) ==
        "g2d: logit distillation: expected KL at temperature 2, whose mean the teachers' source keeps, got another "
        "formula; keep the mean of "
        "the method's formula, or none");
}

TEST_CASE("Trainer: the teachers' logits are gathered for steps alone in which somebody hears them",
          "[teacher][cache][trainer]") {
  const auto train = blobs(40, 0);
  auto cache = TeacherCache::precompute(make_teachers(), train, Task());
  const auto num_gathers = [&](const g2d::distillation::Any& formula, bool observes) {
    std::int64_t with_logits = 0, without_logits = 0;
    auto source = cache.source();
    source.outputs = [&, gather = source.outputs](const g2d::Batch& batch) {
      ++with_logits;
      return gather(batch);
    };
    source.without_logits = [&, gather = source.without_logits](const g2d::Batch& batch) {
      ++without_logits;
      auto outputs = gather(batch);
      CHECK(outputs.logits.empty());
      CHECK(outputs.features.size() == 2);
      return outputs;
    };
    const auto student = norm_dropout_student(7);
    using Method = g2d::method::G2d<Task, g2d::distillation::Mse, g2d::distillation::Any, g2d::schedule::Joint>;
    auto trainer = make_trainer(*student, Method({}, Task(), g2d::distillation::Mse(), formula),
                                {.num_epochs = 1, .batch_size = 8}, source);
    if (observes) trainer.step().set_observer({.on_step = [](const g2d::Observation&) {}});
    (void)trainer.fit(train, blobs(24, 1));
    return std::pair(with_logits, without_logits);
  };
  using Counts = std::pair<std::int64_t, std::int64_t>;
  CHECK(num_gathers(g2d::distillation::Kl(), false) == Counts{5, 0});
  CHECK(num_gathers(g2d::distillation::None(), false) == Counts{0, 5});
  cache.keep_mean();
  CHECK(num_gathers(g2d::distillation::Kl(), false) == Counts{0, 5});
  CHECK(num_gathers(g2d::distillation::Kl(), true) == Counts{5, 0});
}

TEST_CASE("TeacherCache: the mean of mapped tables is mapped too", "[teacher][cache]") {
  const auto count_mapped = [] {
    std::size_t count = 0;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) count += line.find("g2d-table-") != std::string::npos;
    return count;
  };
  const auto samples = blobs(40, 0);
  const g2d_test::TemporaryFolder folder;
  auto mapped = TeacherCache::precompute(make_teachers(), samples, Task(), {.file = folder.path() / "outputs"});
  auto held = TeacherCache::precompute(make_teachers(), samples, Task());
  held.keep_mean();
  CHECK(count_mapped() == 0);
  mapped.keep_mean();
  CHECK(count_mapped() == 1);
  const auto batch = samples.batch(at::tensor({39, 0, 3}, at::kLong));
  CHECK(torch::equal(mapped.outputs(batch).mean.probabilities, held.outputs(batch).mean.probabilities));
}

TEST_CASE("Step: a kept mean teacher gives way where terms are wanted one by one", "[teacher][cache][step]") {
  const auto train = blobs(12, 0);
  auto cache = TeacherCache::precompute(make_teachers(), train, Task());
  cache.keep_mean();
  const auto source = cache.source();
  const auto student = norm_dropout_student(7);
  using Method = g2d::method::G2d<Task>;
  const auto batch = train.all();
  const auto outputs = source.outputs(batch);
  const auto num_logit_terms = [&](g2d::Observer observer, const g2d::Batch& of) {
    g2d::Step step(*student, Method(), {.num_epochs = 3}, source.summary);
    step.set_observer(std::move(observer));
    const auto result = step(of, &outputs);
    return std::count_if(result.terms.begin(), result.terms.end(),
                         [](const auto& term) { return term.name == "logit"; });
  };
  CHECK(num_logit_terms({}, batch) == 1);
  CHECK(num_logit_terms({.on_step = [](const g2d::Observation&) {}}, batch) == 2);
  auto lacking = batch;
  lacking.present = at::ones({12, 2}, at::kBool);
  CHECK(num_logit_terms({}, lacking) == 2);
  CHECK(thrown<g2d::ConfigError>([&] {
          g2d::Step(*student, Method({.logit_weight = g2d::PerModality<double>{1.0, 2.0}}), {.num_epochs = 3},
                    source.summary);
        }) ==
        "g2d: logit distillation: expected one weight for all modalities, whose plain mean the teachers' source keeps, "
        "got several; keep no "
        "mean");
}

TEST_CASE("TeacherCache: the order of the stages follows the confidence that the source was given",
          "[teacher][cache]") {
  const auto train = blobs(24, 0);
  const auto cache = TeacherCache::precompute(make_teachers(), train, Task());
  const auto first_stage = [&](const g2d::TeacherSource& source) {
    const auto student = norm_dropout_student(7);
    return make_trainer(*student, g2d_method(), {.num_epochs = 3, .batch_size = 8}, source)
        .fit(train, train)
        .epochs[0]
        .stage;
  };
  CHECK(first_stage(cache.source({0.9, 0.4})) == "image");
  CHECK(first_stage(cache.source({0.4, 0.9})) == "audio");
  const auto rho = cache.confidence();
  CHECK(first_stage(cache.source()) == (rho[0] <= rho[1] ? "audio" : "image"));
}
