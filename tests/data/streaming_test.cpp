// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include <fmt/format.h>
#include <torch/torch.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/core/sample_random.hpp>
#include <g2d/data.hpp>
#include <g2d/data/read_files.hpp>
#include <g2d/data/read_rows.hpp>
#include <g2d/data/readable_rows.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/measure_confidence.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/train_teacher.hpp>
#include <g2d/train/trainer.hpp>

#include "support/catch.hpp"
#include "support/temporary_folder.hpp"
#include "support/thrown.hpp"

namespace {

using namespace g2d;
using Catch::Matchers::Contains;
using g2d_test::thrown;

/// Adds a number of the sample's own, other in every epoch.
struct Jitter {
  at::Tensor operator()(const at::Tensor& sample, SampleRandom& random) const { return sample + random.uniform(); }
  std::string description() const { return "jitter"; }
};

/// What was decoded, and how often: shared by the copies of a reader.
struct Log {
  std::atomic<int> num_decoded{0};
};

data::ModalityReader numbers(const std::string& name, double factor,
                             const std::shared_ptr<Log>& log = std::make_shared<Log>()) {
  return {.name = name,
          .decode =
              [factor, log](std::int64_t entry) {
                ++log->num_decoded;
                return torch::arange(4).to(torch::kFloat).mul(factor).add(static_cast<double>(entry));
              },
          .fingerprint = [factor] { return fmt::format("factor {}", factor); }};
}

data::ModalityReader sequences(const std::string& name) {
  return {.name = name,
          .decode = [](std::int64_t entry) { return torch::full({1 + entry % 5, 2}, static_cast<double>(entry + 1)); },
          .is_sequence = true};
}

data::SampleIndex index_of(std::int64_t count, at::Tensor present = {}) {
  std::vector<std::string> names;
  for (std::int64_t i = 0; i < count; ++i) names.push_back(fmt::format("sample-{}", i));
  return {std::move(names), torch::arange(count).remainder(3), std::move(present)};
}

data::Samples samples(std::int64_t count = 50) { return {{numbers("audio", 2.0), sequences("text")}, index_of(count)}; }

data::Samples jittered(std::int64_t count = 50, std::uint64_t seed = 7) {
  auto audio = numbers("audio", 2.0);
  auto image = numbers("image", -1.0);
  audio.transform = Jitter();
  image.transform = Jitter();
  return {{audio, image}, index_of(count), seed};
}

std::vector<Batch> pass(const data::Any& dataset, const std::vector<at::Tensor>& batches, std::int64_t epoch) {
  auto stream = data::stream(dataset, batches, epoch);
  std::vector<Batch> all;
  for (std::size_t i = 0; i < batches.size(); ++i) all.push_back(stream.next());
  return all;
}

bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || (a.sizes() == b.sizes() && torch::equal(a, b)));
}

bool same(const Batch& a, const Batch& b) {
  bool is_same = a.inputs.size() == b.inputs.size() && same(a.target, b.target) && same(a.sample_ids, b.sample_ids) &&
                 same(a.present, b.present);
  for (std::size_t m = 0; is_same && m < a.inputs.size(); ++m) {
    is_same = same(a.inputs[m].values, b.inputs[m].values) && same(a.inputs[m].lengths, b.inputs[m].lengths);
  }
  return is_same;
}

bool same(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const Batch& x, const Batch& y) { return same(x, y); });
}

}  // namespace

TEST_CASE("SampleRandom: numbers depend on each part of the key and on nothing else", "[streaming]") {
  const auto draw = [](const SampleKey& key) {
    SampleRandom random(key);
    return std::vector<double>{random.uniform(), random.uniform(), random.uniform()};
  };
  const SampleKey key{.seed = 1, .epoch = 2, .sample_id = 3, .modality = 4};
  CHECK(draw(key) == draw(key));
  std::set<std::vector<double>> all{draw(key)};
  for (const auto& other :
       {SampleKey{2, 2, 3, 4}, SampleKey{1, 3, 3, 4}, SampleKey{1, 2, 4, 4}, SampleKey{1, 2, 3, 5}}) {
    all.insert(draw(other));
  }
  CHECK(all.size() == 5);
  SampleRandom random(key);
  double sum = 0;
  std::vector<int> counts(6, 0);
  for (int i = 0; i < 60000; ++i) {
    const double value = random.uniform();
    REQUIRE((value >= 0.0 && value < 1.0));
    sum += value;
    ++counts.at(static_cast<std::size_t>(random.below(6)));
  }
  CHECK(sum / 60000 == Approx(0.5).margin(0.01));
  for (const int count : counts) CHECK(count == Approx(10000).margin(500));
}

TEST_CASE("data::Streaming: the batches are the same for any number of workers and any read-ahead, in every epoch",
          "[streaming]") {
  const auto batches = data::shuffled_batches(50, 8, 3, 1);
  for (const auto& source : {samples(), jittered()}) {
    for (const std::int64_t epoch : {0, 1, 5}) {
      const auto expected = pass(data::Streaming(source, {.num_workers = 0}), batches, epoch);
      for (const std::int64_t workers : {1, 2, 5}) {
        for (const std::int64_t ahead : {1, 3, 100}) {
          CAPTURE(epoch, workers, ahead);
          CHECK(same(pass(data::Streaming(source, {.num_workers = workers, .num_prefetched = ahead}), batches, epoch),
                     expected));
        }
      }
    }
  }
}

TEST_CASE("data::Streaming: augmentation is a function of seed, epoch, sample and modality, whatever the batch",
          "[streaming]") {
  const data::Streaming dataset(jittered());
  CHECK_FALSE(dataset.is_deterministic());
  const auto whole = pass(dataset, {torch::arange(50)}, 4)[0];
  const auto part = pass(dataset, {torch::tensor({31, 8})}, 4)[0];
  CHECK(same(part.inputs[0].values, whole.inputs[0].values.index_select(0, torch::tensor({31, 8}))));
  const auto next_epoch = pass(dataset, {torch::arange(50)}, 5)[0];
  const auto shift = [](const Batch& batch, std::size_t m) {
    return batch.inputs[m].values.select(1, 0) - torch::arange(50);
  };
  CHECK_FALSE(same(shift(whole, 0), shift(next_epoch, 0)));
  CHECK_FALSE(torch::allclose(shift(whole, 0), shift(whole, 1)));
  const data::Streaming other_seed(jittered(50, 8));
  CHECK_FALSE(same(whole, pass(other_seed, {torch::arange(50)}, 4)[0]));
  const auto subset = data::Streaming(jittered().subset(torch::tensor({8, 31})));
  CHECK(same(pass(subset, {torch::tensor({1, 0})}, 4)[0], part));
  const auto alone = pass(dataset.only(1), {torch::tensor({31, 8})}, 4)[0];
  CHECK(same(alone.inputs[0].values, part.inputs[1].values));
}

TEST_CASE("data::load_in_memory: holds what streaming gives, sequences padded with zeros", "[streaming]") {
  const auto source = samples();
  const auto in_memory = data::load_in_memory(source);
  CHECK(in_memory.all().inputs[1].values.sizes() == at::IntArrayRef({50, 5, 2}));
  for (std::int64_t row = 0; row < 50; ++row) {
    const auto steps = in_memory.all().inputs[1].values[row];
    const auto length = in_memory.all().inputs[1].lengths[row].item<std::int64_t>();
    REQUIRE(length == 1 + row % 5);
    CHECK((steps.narrow(0, 0, length) == static_cast<double>(row + 1)).all().item<bool>());
    CHECK((steps.narrow(0, length, 5 - length) == 0).all().item<bool>());
  }
  const auto rows = torch::tensor({3, 49, 7});
  const auto streamed = data::Streaming(source).batch(rows);
  const auto gathered = in_memory.batch(rows);
  CHECK(same(streamed.inputs[0].values, gathered.inputs[0].values));
  CHECK(same(streamed.sample_ids, gathered.sample_ids));
  CHECK(same(streamed.inputs[1].values, gathered.inputs[1].values.narrow(1, 0, streamed.inputs[1].values.size(1))));
  CHECK_THAT(thrown<ConfigError>([] { (void)data::load_in_memory(jittered()); }),
             Contains("without random transforms"));
}

TEST_CASE("data::Streaming: one modality is read without the others", "[streaming]") {
  const auto audio = std::make_shared<Log>();
  const auto image = std::make_shared<Log>();
  const data::Streaming dataset(
      data::Samples({numbers("audio", 1.0, audio), numbers("image", 2.0, image)}, index_of(20)));
  const data::SingleModality only_image(dataset, 1);
  CHECK(only_image.batch(torch::arange(20)).inputs.size() == 1);
  CHECK(audio->num_decoded == 0);
  CHECK(image->num_decoded == 20);
  const data::Subset some(dataset, torch::arange(10));
  const data::SingleModality some_audio(some, 0);
  CHECK(some_audio.batch(torch::arange(10)).inputs[0].values[3][0].item<double>() == 3.0);
  CHECK(audio->num_decoded == 10);
  CHECK(image->num_decoded == 20);
}

TEST_CASE("data: modalities that nobody needs are not read, and their inputs are undefined", "[streaming]") {
  const auto audio = std::make_shared<Log>();
  const auto image = std::make_shared<Log>();
  const data::Samples source({numbers("audio", 1.0, audio), numbers("image", 2.0, image)}, index_of(20));
  const auto rows = torch::tensor({7, 3});
  const auto expected = data::Streaming(source).batch(rows);
  audio->num_decoded = image->num_decoded = 0;
  const auto check = [&](const auto& dataset, const at::Tensor& of) {
    for (const auto& batch :
         {dataset.reading({false, true}).batch(of), data::stream_reading({false, true}, dataset, {of}).next()}) {
      CHECK(dataset.reading({false, true}).names() == dataset.names());
      CHECK_FALSE(batch.inputs.at(0).values.defined());
      CHECK(same(batch.inputs.at(1).values, expected.inputs[1].values));
      CHECK(same(batch.sample_ids, expected.sample_ids));
      CHECK(same(batch.target, expected.target));
    }
    CHECK(dataset.batch(of).inputs[0].values.defined());
    CHECK_THAT(thrown<ConfigError>([&] { (void)dataset.reading({true}); }),
               Contains("one value for each of (audio, image), got 1"));
  };
  for (const std::int64_t workers : {0, 2}) {
    const data::Streaming dataset(source, {.num_workers = workers});
    (void)dataset.reading({false, true}).batch(rows);
    CHECK(audio->num_decoded == 0);
    check(dataset, rows);
    audio->num_decoded = 0;
  }
  const auto in_memory = data::load_in_memory(source);
  check(in_memory, rows);
  CHECK(in_memory.reading({false, true}).subset(rows).all().inputs[0].values.defined());
  CHECK(in_memory.reading({false, true}).only(0).batch(rows).inputs[0].values.defined());
  check(data::Any(in_memory), rows);
  check(data::Subset(in_memory, torch::arange(20).flip(0)), 19 - rows);
  check(data::Concatenation(std::vector{in_memory.subset(torch::arange(5)), in_memory.subset(torch::arange(5, 20))}),
        rows);
  const data::ModalityDrop dropped(in_memory, {0.5, 0.5});
  const auto lacking = dropped.reading({false, true}).batch(rows);
  CHECK_FALSE(lacking.inputs[0].values.defined());
  CHECK(same(lacking.present, dropped.batch(rows).present));
}

TEST_CASE("data::Streaming: rows of any stride, and none that are no rows", "[streaming]") {
  const data::Streaming dataset(samples());
  const auto every_second = torch::arange(10).slice(0, 0, 10, 2);
  const auto batch = dataset.batch(every_second);
  const auto expected = dataset.batch(every_second.contiguous());
  CHECK(same(batch.inputs[0].values, expected.inputs[0].values));
  CHECK(same(batch.sample_ids, expected.sample_ids));
  for (const auto& wrong : {torch::arange(0), torch::arange(4).view({2, 2}), torch::arange(3).to(torch::kInt)}) {
    CHECK_THAT(thrown<ShapeError>([&] { (void)dataset.batch(wrong); }),
               Contains("expected rows int64 [B] in host memory, at least one"));
  }
}

TEST_CASE("data::Samples: the sum of many float16 values is finite", "[streaming]") {
  const auto large = torch::full({2, 300, 300}, 2.0, torch::kHalf);
  const data::Samples source({data::read_rows("image", large, transform::Chain())}, index_of(2));
  CHECK(data::Streaming(source).batch(torch::arange(2)).inputs[0].values.scalar_type() == torch::kHalf);
  large[1][0][0] = std::numeric_limits<double>::infinity();
  CHECK_THAT(thrown<DataError>([&] { (void)data::Streaming(source).batch(torch::arange(2)); }), Contains("finite"));
}

TEST_CASE("data::load_in_memory: samples of other shapes are named, not stretched", "[streaming]") {
  const auto decode = [](std::int64_t entry) { return torch::ones({entry < 32 ? 3 : 1, 4}); };
  const data::Samples source({{.name = "image", .decode = decode, .transform = transform::Chain()}}, index_of(40));
  CHECK_THAT(thrown<DataError>([&] { (void)data::load_in_memory(source); }),
             Contains("modality \"image\": expected Float [3, 4] as in the first samples, got Float [1, 4]"));
}

TEST_CASE("data::Streaming: reads no further ahead than it was told", "[streaming]") {
  const auto log = std::make_shared<Log>();
  const data::Streaming dataset(data::Samples({numbers("audio", 1.0, log)}, index_of(100)),
                                {.num_workers = 3, .num_prefetched = 2});
  auto stream = data::stream(dataset, data::ordered_batches(100, 10));
  (void)stream.next();
  // After one batch was taken, two more may be under way.
  for (int i = 0; i < 50 && log->num_decoded < 30; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  CHECK(log->num_decoded == 30);
}

TEST_CASE("data::Streaming: a stream that is dropped early, or never read, ends its workers", "[streaming]") {
  for (int i = 0; i < 20; ++i) {
    auto stream = data::stream(data::Streaming(samples(), {.num_workers = 4}), data::ordered_batches(50, 4));
    if (i % 2 == 0) (void)stream.next();
  }
  SUCCEED("all workers have joined");
}

TEST_CASE("data::Streaming: workers leave the number of arithmetic threads as it was", "[streaming]") {
  const int before = at::get_num_threads();
  (void)pass(data::Streaming(samples(), {.num_workers = 3}), data::ordered_batches(50, 8), 0);
  CHECK(at::get_num_threads() == before);
  int in_new_thread = 0;
  std::thread([&] { in_new_thread = at::get_num_threads(); }).join();
  CHECK(in_new_thread == before);
}

TEST_CASE("data::Streaming: an error names sample, modality and reason when its batch is due, the first of several",
          "[streaming]") {
  auto audio = numbers("audio", 1.0);
  audio.decode = [](std::int64_t entry) {
    if (entry == 17 || entry == 19) throw DataError(fmt::format("g2d: io::read_audio: {}.wav: damaged", entry));
    return torch::ones({2});
  };
  for (const std::int64_t workers : {0, 1, 4}) {
    const data::Streaming dataset(data::Samples({audio}, index_of(30)), {.num_workers = workers});
    auto stream = data::stream(dataset, data::ordered_batches(30, 10));
    CHECK(stream.next().size() == 10);
    CHECK(thrown<DataError>([&] { (void)stream.next(); }) ==
          "g2d: sample \"sample-17\", modality \"audio\": io::read_audio: 17.wav: damaged");
    CHECK(stream.next().size() == 10);
  }
}

TEST_CASE("data::Streaming: values that are not finite, and shapes that differ, are refused by the sample's name",
          "[streaming]") {
  auto audio = numbers("audio", 1.0);
  audio.decode = [](std::int64_t entry) {
    return torch::full({2}, entry == 3 ? std::numeric_limits<double>::quiet_NaN() : 1.0);
  };
  CHECK(thrown<DataError>([&] {
          (void)data::Streaming(data::Samples({audio}, index_of(5))).batch(torch::arange(5));
        }) == "g2d: sample \"sample-3\", modality \"audio\": expected finite values, got NaN or infinity");
  audio.decode = [](std::int64_t entry) { return torch::ones({entry == 4 ? 3 : 2}); };
  const auto error =
      thrown<DataError>([&] { (void)data::Streaming(data::Samples({audio}, index_of(5))).batch(torch::arange(5)); });
  CHECK_THAT(error, Contains("sample \"sample-4\", modality \"audio\": expected Float [2] as in other samples of its "
                             "batch, got Float [3]"));
  audio.decode = [](std::int64_t) -> at::Tensor { return torch::ones({2}).matmul(torch::ones({3})); };
  CHECK_THAT(
      thrown<DataError>([&] { (void)data::Streaming(data::Samples({audio}, index_of(5))).batch(torch::arange(5)); }),
      Contains("sample \"sample-0\", modality \"audio\": "));
}

TEST_CASE("data::Samples: an absent modality is not read, has zeros or length 0, and is masked", "[streaming]") {
  const auto log = std::make_shared<Log>();
  const auto present = torch::tensor({{true, true}, {false, true}, {true, false}, {false, true}});
  const data::Samples source({numbers("audio", 1.0, log), sequences("text")}, index_of(4, present));
  const auto batch = data::Streaming(source).batch(torch::arange(4));
  CHECK(log->num_decoded == 2);
  CHECK(same(batch.present, present));
  CHECK(batch.inputs[0].values[1].eq(0).all().item<bool>());
  CHECK(batch.inputs[1].lengths[2].item<std::int64_t>() == 0);
  const auto lacking_all = data::Streaming(source).batch(torch::tensor({1, 3}));
  CHECK(lacking_all.inputs[0].values.sizes() == at::IntArrayRef({2, 4}));
  CHECK(same(data::load_in_memory(source).all().present, present));
  CHECK(same(source.only(1).present(torch::arange(4)), present.narrow(1, 1, 1)));
}

TEST_CASE("data::Samples: names that repeat, sizes that do not match and empty lists are refused", "[streaming]") {
  const auto make = [](data::SampleIndex index) { (void)data::Samples({numbers("audio", 1.0)}, std::move(index)); };
  CHECK_THAT(thrown<DataError>([&] { make({{"a", "b", "a"}, torch::zeros({3})}); }),
             Contains("\"a\" (sample 0) and \"a\" (sample 2)"));
  CHECK_THAT(thrown<DataError>([&] { make({{}, torch::zeros({0})}); }),
             Contains("expected at least one sample, got none"));
  CHECK_THAT(thrown<ShapeError>([&] { make({{"a", "b"}, torch::zeros({3})}); }),
             Contains("targets of 2 samples, got [3]"));
  CHECK_THAT(thrown<ShapeError>([&] { make({{"a"}, torch::zeros({1}), torch::ones({1, 2}, torch::kBool)}); }),
             Contains("present"));
  CHECK_THAT(thrown<ConfigError>([&] { (void)data::Streaming(samples(), {.num_workers = -1}); }),
             Contains("num_workers"));
  CHECK_THAT(thrown<ConfigError>([&] { (void)data::Streaming(samples(), {.num_prefetched = 0}); }),
             Contains("num_prefetched"));
}

TEST_CASE("data::Samples: the fingerprint tells samples, their order, sources, transforms and seeds apart",
          "[streaming]") {
  const auto reference = samples().fingerprint();
  CHECK(samples().fingerprint() == reference);
  auto transformed = numbers("audio", 2.0);
  transformed.transform = Jitter();
  std::set<std::string> all{reference,
                            samples(49).fingerprint(),
                            samples().subset(torch::arange(49, -1, -1)).fingerprint(),
                            samples().only(0).fingerprint(),
                            data::Samples({numbers("audio", 3.0), sequences("text")}, index_of(50)).fingerprint(),
                            data::Samples({transformed, sequences("text")}, index_of(50)).fingerprint(),
                            data::Samples({numbers("audio", 2.0), sequences("text")}, index_of(50), 1).fingerprint()};
  CHECK(all.size() == 7);
}

TEST_CASE("data::sample_id: depends on the name alone", "[streaming]") {
  CHECK(data::sample_id("1001_DFA_ANG_XX") == data::sample_id("1001_DFA_ANG_XX"));
  CHECK(data::sample_id("a") != data::sample_id("b"));
  CHECK(data::sample_id("") >= 0);
  const auto ids = samples().subset(torch::tensor({4, 2})).sample_ids();
  CHECK(ids[0].item<std::int64_t>() == data::sample_id("sample-4"));
}

TEST_CASE("data::fingerprint_files: tells contents and names apart, not folders", "[streaming]") {
  const g2d_test::TemporaryFolder folder;
  const auto write = [&](const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder / name).parent_path());
    std::ofstream(folder / name) << text;
    return std::vector<std::filesystem::path>{folder / name};
  };
  const auto reference = data::fingerprint_files(write("a/x", "12345"));
  CHECK(data::fingerprint_files(write("b/x", "12345")) == reference);
  CHECK(data::fingerprint_files(write("b/y", "12345")) != reference);
  CHECK(data::fingerprint_files(write("c/x", "12346")) != reference);
  CHECK(data::fingerprint_files({folder / "absent"}) != reference);
}

TEST_CASE("data::fingerprint_files: sees an edit anywhere that leaves size and time as they were", "[streaming]") {
  const g2d_test::TemporaryFolder folder;
  const auto file = folder / "a.wav";
  constexpr std::size_t size = 3'000'000;  // several blocks
  const std::string content(size, 'x');
  std::ofstream(file) << content;
  const auto time = std::filesystem::last_write_time(file);
  const auto reference = data::fingerprint_files({file});
  for (const std::size_t position : {std::size_t{0}, size / 2, size - 1}) {
    CAPTURE(position);
    auto edited = content;
    edited[position] = 'y';
    std::ofstream(file) << edited;
    std::filesystem::last_write_time(file, time);
    CHECK(data::fingerprint_files({file}) != reference);
  }
  std::ofstream(file) << content;
  CHECK(data::fingerprint_files({file}) == reference);
}

TEST_CASE("data::readable_rows: names the rows that cannot be read, for any number of workers", "[streaming]") {
  const auto decode = [](std::int64_t entry) -> at::Tensor {
    if (entry % 3 == 1) throw g2d::DataError(fmt::format("g2d: {}.wav: broken", entry));
    return torch::full({2}, static_cast<double>(entry));
  };
  const auto intact = [](std::int64_t entry) { return torch::full({1}, static_cast<double>(entry)); };
  auto present = torch::ones({7, 2}, at::kBool);
  present[4][0] = false;  // It lacks what it could not give.
  const data::Samples broken(
      {{.name = "audio", .decode = decode}, {.name = "table", .decode = intact}},
      {.names = {"a", "b", "c", "d", "e", "f", "g"}, .targets = torch::zeros({7}, at::kLong), .present = present});
  for (const std::int64_t num_workers : {0, 1, 3}) {
    const auto readable = data::readable_rows(broken, num_workers);
    CHECK(torch::equal(readable.rows, torch::tensor({0, 2, 3, 4, 5, 6}, at::kLong)));
    REQUIRE(readable.errors.size() == 1);
    CHECK(readable.errors[0] == "g2d: sample \"b\", modality \"audio\": 1.wav: broken");
  }
}

TEST_CASE("data::read_rows: rows of a tensor, sequences without their padding", "[streaming]") {
  const auto values = torch::arange(24).to(torch::kFloat).view({3, 4, 2});
  const auto reader = data::read_rows("text", values, transform::Chain(), torch::tensor({4, 1, 2}));
  CHECK(reader.is_sequence);
  CHECK(same(reader.decode(2), values[2].narrow(0, 0, 2)));
  CHECK_FALSE(data::read_rows("table", values, transform::Chain()).is_sequence);
}

TEST_CASE("data::Concatenation: rows of all parts in any order; ids that clash are refused", "[streaming]") {
  const auto first = data::load_in_memory(samples().subset(torch::arange(0, 10)));
  const auto second = data::load_in_memory(samples().subset(torch::arange(10, 50)));
  const data::Concatenation both(std::vector<data::InMemory>{first, second});
  const auto rows = torch::tensor({45, 3, 10, 9});
  const auto batch = both.batch(rows);
  const auto expected = data::load_in_memory(samples()).batch(rows);
  CHECK(same(batch.inputs[0].values, expected.inputs[0].values));
  CHECK(same(batch.inputs[1].lengths, expected.inputs[1].lengths));
  CHECK(same(batch.sample_ids, expected.sample_ids));
  CHECK(same(both.targets(), data::load_in_memory(samples()).targets()));
  CHECK(both.only(0).batch(rows).inputs.size() == 1);
  CHECK_THAT(thrown<DataError>([&] { (void)data::Concatenation(std::vector<data::InMemory>{first, first}); }),
             Contains("ids that differ"));
  CHECK_THAT(thrown<ConfigError>([&] { (void)data::Concatenation(std::vector<data::InMemory>{first, first.only(0)}); }),
             Contains("(audio, text), got one of (audio)"));
}

TEST_CASE("data::Concatenation: a pass is that of its parts, augmentation of the epoch included", "[streaming]") {
  const data::Streaming whole(jittered());
  const data::Concatenation parts(std::vector{data::Streaming(jittered().subset(torch::arange(10))),
                                              data::Streaming(jittered().subset(torch::arange(10, 50)))});
  const std::vector<at::Tensor> batches{torch::tensor({45, 3, 10}), torch::tensor({20, 30}), torch::tensor({1, 49})};
  for (const std::int64_t epoch : {0, 4}) {
    const auto expected = pass(whole, batches, epoch), given = pass(parts, batches, epoch);
    for (std::size_t i = 0; i < batches.size(); ++i) CHECK(same(given[i], expected[i]));
  }
}

TEST_CASE("data::Map: changes batches, and the fingerprint with its description", "[streaming]") {
  const auto source = data::load_in_memory(samples());
  const auto twice = [](Batch batch) {
    batch.inputs[0].values = batch.inputs[0].values * 2;
    return batch;
  };
  const data::Map mapped(source, twice, "audio twice");
  CHECK(same(mapped.batch(torch::arange(5)).inputs[0].values, source.batch(torch::arange(5)).inputs[0].values * 2));
  CHECK(mapped.fingerprint() != source.fingerprint());
  CHECK(mapped.fingerprint() != data::Map(source, twice, "another").fingerprint());
}

TEST_CASE("data::ModalityDrop: takes a modality from its share of the samples, always the same ones, and never all",
          "[streaming]") {
  const auto source = data::load_in_memory(samples(2000));
  const data::ModalityDrop dropped(source, {0.3, 0.0}, 5);
  const auto rows = torch::arange(2000);
  const auto present = dropped.batch(rows).present;
  CHECK(present.select(1, 0).to(torch::kFloat).mean().item<double>() == Approx(0.7).margin(0.04));
  CHECK(present.select(1, 1).all().item<bool>());
  CHECK(same(dropped.batch(torch::tensor({77, 5})).present, present.index_select(0, torch::tensor({77, 5}))));
  CHECK_FALSE(same(data::ModalityDrop(source, {0.3, 0.0}, 6).batch(rows).present, present));
  CHECK(data::ModalityDrop(source, {1.0, 1.0}).batch(rows).present.any(1).all().item<bool>());
  CHECK_THAT(thrown<ConfigError>([&] { (void)data::ModalityDrop(source, {0.3}); }),
             Contains("(audio, text), got [0.3]"));
}

TEST_CASE("data::split_at_random: divides once and for all by its generator", "[streaming]") {
  const auto rows = torch::arange(100);
  const auto [kept, held_out] = data::split_at_random(rows, 0.25, make_generator(3), "houses");
  CHECK(held_out.size(0) == 25);
  CHECK(torch::equal(std::get<0>(torch::cat({kept, held_out}).sort()), rows));
  CHECK(torch::equal(data::split_at_random(rows, 0.25, make_generator(3), "houses").kept, kept));
  CHECK_FALSE(torch::equal(data::split_at_random(rows, 0.25, make_generator(4), "houses").kept, kept));
  CHECK_THAT(thrown<ConfigError>([&] { (void)data::split_at_random(rows, 1.0, make_generator(3), "houses"); }),
             Contains("houses"));
  CHECK_THAT(
      thrown<DataError>([&] { (void)data::split_at_random(torch::arange(1), 0.5, make_generator(3), "houses"); }),
      Contains("got 1"));
}

TEST_CASE("data::split_by_group: no group is on both sides, and every class has about its share", "[streaming]") {
  torch::manual_seed(3);
  const auto groups = torch::randint(0, 40, {400}) * 7 + 3;
  const auto classes = torch::randint(0, 3, {400});
  const auto rows = torch::arange(1000, 1400);
  for (const double fraction : {0.1, 0.25, 0.5, 0.8}) {
    for (std::uint64_t seed = 0; seed < 5; ++seed) {
      const auto [kept, held_out] =
          data::split_by_group(groups, classes, rows, fraction, make_generator(seed), "clips");
      CHECK(torch::equal(std::get<0>(torch::cat({kept, held_out}).sort()), rows));
      const auto group_of = [&](const at::Tensor& some) { return groups.index_select(0, some - 1000); };
      CHECK_FALSE(torch::isin(group_of(kept), group_of(held_out)).any().item<bool>());
      const auto shares = torch::bincount(classes.index_select(0, held_out - 1000), {}, 3) /
                          torch::bincount(classes, {}, 3).to(at::kDouble);
      CHECK((shares - fraction).abs().max().item<double>() < 0.1);
      CHECK(torch::equal(data::split_by_group(groups, classes, rows, fraction, make_generator(seed), "clips").held_out,
                         held_out));
    }
  }
}

TEST_CASE("data::split_by_group: at least one group on either side, whatever the fraction", "[streaming]") {
  const auto groups = torch::tensor({0, 0, 0, 1, 1, 2});
  const auto rows = torch::arange(6);
  for (const double fraction : {0.001, 0.5, 0.999}) {
    const auto [kept, held_out] = data::split_by_group(groups, {}, rows, fraction, make_generator(1), "clips");
    CHECK((kept.numel() > 0 && held_out.numel() > 0));
  }
  CHECK(thrown<ConfigError>([&] { (void)data::split_by_group(groups, {}, rows, 0, make_generator(1), "clips"); }) ==
        "g2d: data::split_by_group: clips: expected a fraction between 0 and 1, got 0");
  CHECK(thrown<DataError>([&] {
          (void)data::split_by_group(torch::zeros({6}, at::kLong), {}, rows, 0.5, make_generator(1), "clips");
        }) == "g2d: data::split_by_group: clips: expected at least 2 groups to divide, got 1");
}

TEST_CASE("Trainer: trains the same weights on streamed as on loaded samples, teachers and cache included",
          "[streaming]") {
  const data::Samples source({numbers("audio", 2.0), numbers("image", -1.0)}, index_of(48));
  const auto train = [&](const data::Any& dataset) {
    torch::manual_seed(1);
    const auto make = [] {
      return std::make_shared<encoder::Mlp>(encoder::MlpOptions{.in_features = 4, .feature_width = 6});
    };
    const TrainerOptions options{.optimizer = optimizer::Sgd{.learning_rate = 1e-4}, .num_epochs = 2, .batch_size = 7};
    std::vector<Teacher> teachers;
    for (std::size_t m = 0; m < 2; ++m) {
      teachers.push_back(train_teacher(make(), dataset, dataset, m, task::Classification(), 3, options).teacher);
    }
    const Teachers all({"audio", "image"}, std::move(teachers));
    const auto cache = TeacherCache::precompute(all, dataset, task::Classification(), {.batch_size = 9});
    const auto confidence = measure_confidence(all, dataset, task::Classification(), 11);
    for (std::size_t m = 0; m < 2; ++m) CHECK(confidence[m] == Approx(cache.confidence()[m]).epsilon(1e-6));
    Student<fusion::Late, encoder::Mlp, encoder::Mlp> student({"audio", "image"}, 3, make(), make());
    Trainer trainer(student, method::JointTraining<task::Classification>(), task::Classification(), options);
    (void)trainer.fit(dataset, dataset);
    return torch::nn::utils::parameters_to_vector(student.parameters());
  };
  const auto loaded = train(data::load_in_memory(source));
  CHECK(torch::equal(train(data::Streaming(source, {.num_workers = 3})), loaded));
  CHECK(torch::equal(train(data::Streaming(source, {.num_workers = 0})), loaded));
}
