// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// The rates at which the teacher cache writes and reads its file, beside a plain sequential copy of the same bytes. The
// teachers cost nothing: they hand out rows that were made before.
//   write   TeacherCache::precompute into a new file, against the file's bytes written from memory in one call, to the
//           same folder and as durably: beside the target, flushed, renamed, the folder flushed. Only the cache's side
//           fills rows, takes confidences and fingerprints, and maps the file. Taking the files away again is in
//           neither side.
//   fill    precompute without a file, against a copy of the file's bytes from memory to memory: no disk in it.
//   read    TeacherCache::outputs of every sample, batch by batch, against the file read from begin to end into one
//           buffer of a mebibyte, which a core's cache holds as it holds a batch. Both from the page cache, as in all
//           epochs but the first. Against the same rows copied one by one out of the mapping: what is left of a loss is
//           the order's, not the cache's, so that shuffled batches are held to this alone.
// A float16 file is written for float32 numbers, so that it is held to converting as many of them in one call and
// writing those. Rates are of the file's bytes; float16 tables hand out twice theirs. TMPDIR=/dev/shm leaves the disk
// out.
//
//   cache_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/ops/arange.h>
#include <ATen/ops/from_file.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <fcntl.h>
#include <torch/nn/module.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>

#include "support/bench_report.hpp"
#include "support/temporary_folder.hpp"

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<char>;

constexpr std::int64_t feature_width = 512;
constexpr std::int64_t classes = 10;
const g2d::ModalityNames names{"audio", "image"};

/// A file of outputs is told from another's by the teachers' parameters, so that they need one.
struct OneParameter : torch::nn::Module {
  OneParameter() { register_parameter("parameter", at::zeros({1})); }
};

/// Hands out rows without a copy: samples come in order, and all that they hold is their row.
g2d::Teacher make_teacher(std::int64_t num_samples) {
  const auto forward = [features = at::randn({num_samples, feature_width}),
                        logits = at::randn({num_samples, classes})](const g2d::Input& rows) {
    const auto first = rows.values[0].item<std::int64_t>();
    const auto count = rows.values.size(0);
    return g2d::Teacher::Output{features.narrow(0, first, count), logits.narrow(0, first, count)};
  };
  return {std::make_shared<OneParameter>(), forward, feature_width, classes};
}

/// What the tables are kept in.
struct Storage {
  at::ScalarType dtype;
  const char* name;
};

class Problem {
 public:
  explicit Problem(std::int64_t num_samples)
      : dataset_(names, {at::arange(num_samples), at::arange(num_samples)},
                 at::randint(classes, {num_samples}, at::kLong)),
        teachers_(names, {make_teacher(num_samples), make_teacher(num_samples)}) {}

  [[nodiscard]] g2d::TeacherCache precompute(const Storage& storage, const fs::path& file = {}) const {
    return g2d::TeacherCache::precompute(teachers_, dataset_, g2d::task::Classification(),
                                         {.file = file, .storage = storage.dtype});
  }
  [[nodiscard]] std::int64_t size() const { return dataset_.size(); }

 private:
  g2d::data::InMemory dataset_;
  g2d::Teachers teachers_;
};

Bytes read_whole(const fs::path& path) {
  Bytes bytes(fs::file_size(path));
  if (!std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    throw std::runtime_error("cannot read " + path.string());
  }
  return bytes;
}

void read_plainly(const fs::path& path, Bytes& buffer) {
  std::ifstream stream(path, std::ios::binary);
  while (stream.read(buffer.data(), static_cast<std::streamsize>(buffer.size()))) {
  }
}

void write_plainly(const fs::path& path, const char* bytes, std::size_t size) {
  const fs::path part = path.string() + ".part";
  const int file = ::open(part.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  bool is_written = file >= 0;
  for (std::size_t done = 0; is_written && done < size;) {
    const auto count = ::write(file, bytes + done, size - done);
    is_written = count > 0;
    done += static_cast<std::size_t>(count);
  }
  is_written = is_written && ::fsync(file) == 0;
  is_written = ::close(file) == 0 && is_written;
  fs::rename(part, path);
  const int folder = ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  is_written = ::fsync(folder) == 0 && is_written;
  ::close(folder);
  if (!is_written) throw std::runtime_error("cannot write " + path.string());
}

// ---- write

/// Of each round, in seconds.
struct Writes {
  std::vector<double> whole, plain;
  std::vector<double> converted;  ///< Plain, of as many float32 numbers in another dtype; empty for float32.
};

/// As time_pairs does, but for what is not timed: taking the files away takes a third as long as writing them.
Writes time_writes(const Problem& problem, const Storage& storage, const Bytes& bytes, const TemporaryFolder& folder,
                   std::int64_t pairs) {
  Writes writes;
  const auto count = static_cast<std::int64_t>(bytes.size() / c10::elementSize(storage.dtype));
  const auto numbers = storage.dtype == at::kFloat ? at::Tensor() : at::randn({count});
  const auto write_cache = [&] {
    writes.whole.push_back(seconds_of([&] { (void)problem.precompute(storage, folder.path() / "new"); }, 1));
    fs::remove(folder.path() / "new");
  };
  const auto write_bytes = [&] {
    const auto file = folder.path() / "plain";
    writes.plain.push_back(seconds_of([&] { write_plainly(file, bytes.data(), bytes.size()); }, 1));
    fs::remove(file);
    if (!numbers.defined()) return;
    const auto convert_and_write = [&] {
      const auto converted = numbers.to(storage.dtype);
      write_plainly(file, static_cast<const char*>(converted.const_data_ptr()), converted.nbytes());
    };
    writes.converted.push_back(seconds_of(convert_and_write, 1));
    fs::remove(file);
  };
  write_cache();
  write_bytes();
  writes = {};  // That was the warm-up.
  for (std::int64_t i = 0; i < pairs; ++i) {
    if (i % 2 == 0) write_cache();
    write_bytes();
    if (i % 2 != 0) write_cache();
  }
  return writes;
}

void compare_writing(BenchReport& report, const BenchOptions& options, const Problem& problem, const Storage& storage,
                     const TemporaryFolder& folder) {
  const auto bytes = read_whole(folder.path() / "cache");
  const auto size = fmt::format("{}, {:.3g} MiB", storage.name, static_cast<double>(bytes.size()) / 1048576.0);
  const auto writes = time_writes(problem, storage, bytes, folder, options.pairs(11));
  const bool converts = !writes.converted.empty();
  report.add_speedup("write " + size, "precompute", "plain write", paired_timing(writes.whole, writes.plain),
                     converts ? std::nullopt : std::optional(at_least(0.7)));
  if (converts) {
    report.add_speedup("write " + size + ", conversion", "precompute", "convert and write",
                       paired_timing(writes.whole, writes.converted), at_least(0.7));
  }
  Bytes other(bytes.size());
  const auto filling = time_pairs([&] { (void)problem.precompute(storage); },
                                  [&] { std::memcpy(other.data(), bytes.data(), bytes.size()); }, options.pairs(11));
  report.add_speedup("fill " + size, "precompute", "memcpy", filling);
}

// ---- read

/// With no more than the cache asks for.
std::vector<g2d::Batch> make_batches(const std::vector<at::Tensor>& rows) {
  std::vector<g2d::Batch> batches;
  for (const auto& of_batch : rows) batches.push_back({.target = of_batch, .sample_ids = of_batch});
  return batches;
}

/// Copies rows of the file's tables, which are the last that it holds; multiples of 32 samples leave no padding behind
/// them.
class RowCopy {
 public:
  RowCopy(const fs::path& file, const Problem& problem, const Storage& storage)
      : num_samples_(static_cast<std::size_t>(problem.size())),
        row_bytes_((feature_width + classes) * c10::elementSize(storage.dtype)),
        mapped_(
            at::from_file(file.string(), /*shared=*/false, static_cast<std::int64_t>(fs::file_size(file)), at::kByte)),
        tables_(mapped_.const_data_ptr<std::uint8_t>() + mapped_.nbytes() - names.size() * num_samples_ * row_bytes_) {}

  void operator()(const g2d::Batch& batch) {
    const auto count = static_cast<std::size_t>(batch.size());
    const auto* rows = batch.sample_ids.const_data_ptr<std::int64_t>();
    copied_.resize(names.size() * count * row_bytes_);
    for (std::size_t m = 0; m < names.size(); ++m) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto row = m * num_samples_ + static_cast<std::size_t>(rows[i]);
        std::memcpy(copied_.data() + (m * count + i) * row_bytes_, tables_ + row * row_bytes_, row_bytes_);
      }
    }
  }

 private:
  std::size_t num_samples_;
  std::size_t row_bytes_;
  at::Tensor mapped_;
  const std::uint8_t* tables_;
  Bytes copied_;
};

void compare_reading(BenchReport& report, const BenchOptions& options, const Problem& problem, const Storage& storage,
                     const TemporaryFolder& folder) {
  const auto file = folder.path() / "cache";
  const auto cache = problem.precompute(storage, file);
  if (!cache.was_reused()) throw std::runtime_error("expected a cache file to read, got one to write");
  RowCopy copy_rows(file, problem, storage);
  Bytes buffer(std::size_t{1} << 20);
  for (const std::int64_t batch_size : {16, 256}) {
    for (const bool is_shuffled : {false, true}) {
      const auto batches = make_batches(is_shuffled ? g2d::data::shuffled_batches(problem.size(), batch_size, 0, 0)
                                                    : g2d::data::ordered_batches(problem.size(), batch_size));
      const auto gather = [&] {
        for (const auto& batch : batches) (void)cache.outputs(batch);
      };
      const auto copy = [&] {
        for (const auto& batch : batches) copy_rows(batch);
      };
      const auto what =
          fmt::format("read {}, batch {}, {}", storage.name, batch_size, is_shuffled ? "shuffled" : "in order");
      const bool converts = storage.dtype != at::kFloat;  // Writes twice what it reads.
      const auto aim = converts ? std::nullopt : std::optional(at_least(0.7));
      report.add_speedup(
          what, "outputs", "plain read",
          time_pairs(gather, [&] { read_plainly(file, buffer); }, options.pairs(11)), is_shuffled ? std::nullopt : aim);
      report.add_speedup(what, "outputs", "row by row", time_pairs(gather, copy, options.pairs(11)), aim);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("cache", options);
  const Problem problem(options.is_smoke ? 128 : 60000);
  for (const Storage& storage : {Storage{at::kFloat, "float32"}, Storage{at::kHalf, "float16"}}) {
    const TemporaryFolder folder;
    (void)problem.precompute(storage, folder.path() / "cache");
    compare_writing(report, options, problem, storage, folder);
    compare_reading(report, options, problem, storage, folder);
  }
}
