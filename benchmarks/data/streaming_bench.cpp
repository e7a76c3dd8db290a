// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Samples read from disk while a model trains, out of trees that are generated for it:
//   memory    peak resident memory of an epoch over 2,000 and over 20,000 samples;
//   decoding  samples a second and core, of each format and of the loader;
//   training  steps a second on data::Streaming against data::InMemory of the same samples: paired, median of the
//             ratios;
//   stage     samples a second of a stage in which the audio's features are known, the images alone read, as the
//             trainer does, against both read: paired.
//
//   streaming_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <g2d/core/seed.hpp>
#include <g2d/data/batch_order.hpp>
#include <g2d/data/batch_stream.hpp>
#include <g2d/data/load_in_memory.hpp>
#include <g2d/data/streaming.hpp>
#include <g2d/dataset/rendered_digits.hpp>
#include <g2d/dataset/spoken_digits.hpp>
#include <g2d/io/write_png.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>
#include <g2d/transform/chain.hpp>
#include <g2d/transform/mel_spectrogram.hpp>
#include <g2d/transform/normalize.hpp>
#include <g2d/transform/resize.hpp>
#include <g2d/transform/spectrogram.hpp>
#include <g2d/transform/to_float.hpp>

#include "support/bench_report.hpp"
#include "support/check_equal_losses.hpp"
#include "support/media_tree.hpp"
#include "support/memory.hpp"
#include "support/problem.hpp"

namespace {

namespace fs = std::filesystem;
using g2d::data::Samples;
using g2d::data::Streaming;

constexpr std::int64_t batch_size = 16;
constexpr int wav = SF_FORMAT_WAV | SF_FORMAT_PCM_16;
constexpr int flac = SF_FORMAT_FLAC | SF_FORMAT_PCM_16;

/// Calls `use(batch)` for each batch of one shuffled epoch.
template <g2d::data::DatasetPolicy Dataset, class Use>
void run_epoch(const Dataset& dataset, std::int64_t epoch, Use&& use) {
  const auto batches = g2d::data::shuffled_batches(dataset.size(), batch_size, 0, epoch);
  auto stream = g2d::data::stream(dataset, batches, epoch);
  for (std::size_t i = 0; i < batches.size(); ++i) use(stream.next());
}

// ---- memory

/// A quarter of a second and 32 x 32 pixels a sample; `num_distinct` files of each kind, the others are links to them.
MediaTree write_small_tree(const fs::path& folder, std::size_t num_samples, std::size_t num_distinct) {
  constexpr int sample_rate = 16000;
  MediaTree tree;
  for (std::size_t i = 0; i < num_samples; ++i) {
    tree.add(folder, ".wav", ".jpg");
    if (i < num_distinct) {
      const auto generator = g2d::make_generator(i);
      write_audio(tree.recordings[i], make_recording(sample_rate / 4, sample_rate, generator), sample_rate, wav);
      write_jpeg(tree.images[i], make_photograph(32, 32, generator));
    } else {
      fs::create_hard_link(tree.recordings[i % num_distinct], tree.recordings[i]);
      fs::create_hard_link(tree.images[i % num_distinct], tree.images[i]);
    }
  }
  return tree;
}

struct Memory {
  double index = 0.0;        ///< Bytes that the samples hold before any is read.
  double peak_growth = 0.0;  ///< Bytes of resident memory at most, index and epoch, above what there was before.
};

/// A line of /proc/self/status, in bytes.
double status_bytes(std::string_view key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key)) return 1024 * std::stod(line.substr(key.size() + 1));
  }
  throw std::runtime_error("no such line in /proc/self/status: " + std::string(key));
}

Memory stream_once(const MediaTree& tree, std::size_t num_samples) {
  const double resident = status_bytes("VmRSS");
  const auto allocated = heap_bytes();
  const Streaming dataset(read_tree(tree.first(num_samples), 3, g2d::transform::Spectrogram({.n_fft = 256, .hop = 128}),
                                    g2d::transform::ToFloat{}));
  const auto index = static_cast<double>(heap_bytes() - allocated);
  run_epoch(dataset, 0, [](const g2d::Batch&) {});
  return {index, status_bytes("VmHWM") - resident};
}

/// In a process of its own, whose peak begins at what this one has.
Memory stream_once_apart(const MediaTree& tree, std::size_t num_samples) {
  int ends[2];
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const auto child = ::fork();
  if (child < 0) throw std::runtime_error("no process");
  Memory memory;
  if (child == 0) {
    memory = stream_once(tree, num_samples);
    ::_exit(::write(ends[1], &memory, sizeof(memory)) == sizeof(memory) ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (status != 0 || ::read(ends[0], &memory, sizeof(memory)) != sizeof(memory))
    throw std::runtime_error("streaming failed");
  ::close(ends[0]);
  ::close(ends[1]);
  return memory;
}

void compare_memory(BenchReport& report, const BenchOptions& options) {
  const std::size_t few = options.is_smoke ? 64 : 2000;
  const std::size_t many = 10 * few;
  const TemporaryFolder folder;
  const auto tree = write_small_tree(folder.path(), many, options.is_smoke ? 16 : 200);
  const auto small = stream_once_apart(tree, few);
  const auto large = stream_once_apart(tree, many);
  const auto add = [&](const std::string& what, const Memory& memory) {
    report.add_value(what + ": index", memory.index / 1048576, "MiB");
    report.add_value(what + ": peak", memory.peak_growth / 1048576, "MiB");
  };
  fmt::print("memory: WAV 0.25 s + JPEG 32x32, 2 workers; resident memory above that before the dataset was opened\n");
  add(fmt::format("memory, {} samples", few), small);
  add(fmt::format("memory, {} samples", many), large);
  add("memory, the difference", {large.index - small.index, large.peak_growth - small.peak_growth});
  report.add_value("memory, index of a sample", large.index / static_cast<double>(many), "bytes");
}

// ---- decoding

struct Load {
  std::string name;
  std::function<void()> read_all;
  std::vector<double> cpu_seconds = {};
  std::vector<double> seconds = {};
};

/// Of all threads of this process.
double cpu_seconds() {
  std::timespec time{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

Load one_by_one(std::string name, const Samples& samples) {
  return {std::move(name), [samples] {
            for (std::int64_t row = 0; row < samples.size(); ++row) {
              for (std::size_t m = 0; m < samples.names().size(); ++m) (void)samples.read(row, m, 0);
            }
          }};
}

Load streamed(std::string name, const Samples& samples, std::int64_t num_workers) {
  return {std::move(name), [dataset = Streaming(samples, {.num_workers = num_workers})] {
            run_epoch(dataset, 0, [](const g2d::Batch&) {});
          }};
}

void measure_decoding(BenchReport& report, const BenchOptions& options) {
  constexpr int sample_rate = 22050;
  const std::int64_t num_samples = options.is_smoke ? 4 : 64;
  const std::int64_t repetitions = options.pairs(9);
  const TemporaryFolder folder;
  MediaTree tree;
  MediaTree lossless;
  for (std::int64_t i = 0; i < num_samples; ++i) {
    tree.add(folder.path(), ".wav", ".jpg");
    lossless.add(folder.path(), ".flac", ".jpg");
    const auto generator = g2d::make_generator(static_cast<std::uint64_t>(i));
    const auto recording = make_recording(3 * sample_rate, sample_rate, generator);
    write_audio(tree.recordings.back(), recording, sample_rate, wav);
    write_audio(lossless.recordings.back(), recording, sample_rate, flac);
    write_jpeg(tree.images.back(), make_photograph(360, 480, generator));
  }
  const g2d::transform::Any audio = g2d::transform::Spectrogram({.n_fft = 512, .hop = 353});
  const g2d::transform::Any image =
      g2d::transform::Chain{g2d::transform::Resize{224, 224}, g2d::transform::ToFloat{},
                            g2d::transform::Normalize(g2d::transform::imagenet_mean, g2d::transform::imagenet_std)};
  const auto decoded = read_tree(tree, 3, g2d::transform::Chain(), g2d::transform::Chain());
  const auto transformed = read_tree(tree, 3, audio, image);
  std::vector<Load> loads{one_by_one("WAV", decoded.only(0)),
                          one_by_one("WAV -> log spectrogram", transformed.only(0)),
                          one_by_one("FLAC -> log spectrogram", read_tree(lossless, 3, audio, image).only(0)),
                          one_by_one("JPEG", decoded.only(1)),
                          one_by_one("JPEG -> 224x224, normalised", transformed.only(1)),
                          one_by_one("both", transformed),
                          streamed("both, Streaming, 1 worker", transformed, 1),
                          streamed("both, Streaming, 2 workers", transformed, 2)};
  for (std::int64_t i = 0; i < repetitions + 1; ++i) {
    for (auto& load : loads) {
      const double before = cpu_seconds();
      const double seconds = seconds_of(load.read_all, 1);
      if (i == 0) continue;  // files into memory, threads' decoders
      load.cpu_seconds.push_back(cpu_seconds() - before);
      load.seconds.push_back(seconds);
    }
  }
  fmt::print("decoding: WAV 3 s at 22.05 kHz, {} kB; spectrogram n_fft 512, hop 353; JPEG 480x360, {} kB\n",
             fs::file_size(tree.recordings[0]) / 1000, fs::file_size(tree.images[0]) / 1000);
  for (const auto& load : loads) {
    const auto count = static_cast<double>(num_samples);
    report.add_value("decoding, " + load.name, count / quantile(load.cpu_seconds, 0.5), "samples a second and core");
    report.add_value("decoding, " + load.name + ", by the clock", count / quantile(load.seconds, 0.5),
                     "samples a second");
  }
}

// ---- training

/// Digits: a spoken one of a second at 8 kHz as 32 mel bands by 32 frames, and a drawn one of 28 x 28 pixels.
Samples write_digits(const fs::path& folder, std::int64_t num_samples) {
  constexpr int sample_rate = 8000;
  const auto generator = g2d::make_generator(0);
  const auto labels = at::arange(num_samples, at::kLong).remainder(bench_classes);
  const auto recordings = g2d::dataset::speak_digits(labels, 1.0, generator) * 0.2;
  const auto images = (255 * g2d::dataset::render_digits(labels, 1.0, generator)).round().to(at::kByte);
  MediaTree tree;
  for (std::int64_t i = 0; i < num_samples; ++i) {
    tree.add(folder, ".wav", ".png");
    write_audio(tree.recordings.back(), recordings[i], sample_rate, wav);
    g2d::io::write_png(tree.images.back(), images[i]);
  }
  return read_tree(std::move(tree), 1,
                   g2d::transform::MelSpectrogram({.sample_rate = sample_rate, .n_fft = 512, .hop = 256, .bands = 32}),
                   g2d::transform::ToFloat{});
}

/// Joint training of two ResNet-18, epoch by epoch.
template <class Dataset>
class Training {
  using Method = g2d::method::JointTraining<g2d::task::Classification>;

 public:
  explicit Training(Dataset dataset) : dataset_(std::move(dataset)) {}

  void operator()() {
    run_epoch(dataset_, epoch_++, [this](const g2d::Batch& batch) { loss_ = step_(batch).total; });
  }
  [[nodiscard]] double loss() const { return loss_.item<double>(); }

 private:
  Dataset dataset_;
  std::shared_ptr<BenchStudent<ResNetProblem>> student_ = make_bench_student<ResNetProblem>();
  g2d::Step<BenchStudent<ResNetProblem>, Method> step_{*student_, Method()};
  std::int64_t epoch_ = 0;
  at::Tensor loss_;
};

std::string workers(std::int64_t count) { return fmt::format("{} worker{}", count, count == 1 ? "" : "s"); }

void compare_training(BenchReport& report, const BenchOptions& options, const Samples& samples) {
  const auto in_memory = g2d::data::load_in_memory(samples);
  fmt::print("training: digits, 1x32x32 and 1x28x28, ResNet-18 each, B {}; epochs of {} steps\n", batch_size,
             samples.size() / batch_size);
  for (const std::int64_t num_workers : {0, 1, 2}) {
    Training from_memory(in_memory);
    Training from_disk(Streaming(samples, {.num_workers = num_workers}));
    const auto timing = time_pairs([&] { from_disk(); }, [&] { from_memory(); }, options.pairs(25));
    const auto what = "training, " + workers(num_workers);
    report.add_speedup(what, "Streaming", "InMemory", timing,
                       num_workers == 0 ? std::nullopt : std::optional(at_least(0.9)));
    report.add_value(what + ": losses differ by", std::abs(from_memory.loss() - from_disk.loss()), "");
  }
}

// ---- stage

/// The first stage of G2D, epoch by epoch: the audio's encoder is held back, and an epoch before has left its features.
template <class Problem>
class AudioKnown {
  using Method = g2d::method::G2d<g2d::task::Classification>;

 public:
  AudioKnown(const Samples& samples, std::int64_t num_workers, g2d::PerModality<bool> is_read)
      : dataset_(samples, {.num_workers = num_workers}), is_read_(std::move(is_read)) {
    audio_ = features_in_evaluation(*student_, 0, g2d::data::load_in_memory(samples).all());
    step_.begin_epoch(0);
  }

  void operator()() {
    const auto batches = g2d::data::shuffled_batches(dataset_.size(), batch_size, 0, epoch_);
    auto stream = g2d::data::stream_reading(is_read_, dataset_, batches, epoch_++);
    for (const auto& rows : batches) {
      const g2d::PerModality<at::Tensor> known{audio_.index_select(0, rows), at::Tensor()};
      loss_ = step_(stream.next(), &teachers_, known).total;
    }
  }
  [[nodiscard]] double loss() const { return loss_.template item<double>(); }

 private:
  Streaming dataset_;
  g2d::PerModality<bool> is_read_;
  std::shared_ptr<BenchStudent<Problem>> student_ = make_bench_student<Problem>();
  g2d::TeacherOutputs teachers_ = make_bench_teachers(*student_, batch_size);
  // The surer teacher's modality waits.
  g2d::Step<BenchStudent<Problem>, Method> step_{
      *student_, Method(), {.num_epochs = 3}, make_bench_summary(*student_, {0.9, 0.1})};
  at::Tensor audio_;
  std::int64_t epoch_ = 0;
  at::Tensor loss_;
};

template <class Problem>
void compare_reading(BenchReport& report, const BenchOptions& options, const Samples& samples,
                     const std::string& encoders) {
  for (const std::int64_t num_workers : {0, 1}) {
    AudioKnown<Problem> image_read(samples, num_workers, {false, true});
    AudioKnown<Problem> both_read(samples, num_workers, {true, true});
    const auto timing = time_pairs([&] { image_read(); }, [&] { both_read(); }, options.pairs(15));
    const auto what = fmt::format("stage, audio known, {}, {}", encoders, workers(num_workers));
    check_equal_losses(what, image_read.loss(), both_read.loss());
    const auto rate = [&](double seconds) { return static_cast<double>(samples.size()) / seconds; };
    report.add_speedup(what, "image read", "both read", timing);
    report.add_value(what + ": image read", rate(timing.median_a), "samples a second");
    report.add_value(what + ": both read", rate(timing.median_b), "samples a second");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("streaming", options);
  at::set_num_threads(1);           // The processes of the next line would miss the operators' other threads.
  compare_memory(report, options);  // first: its processes begin with this one's heap, which should be small
  at::set_num_threads(options.threads);
  measure_decoding(report, options);
  const TemporaryFolder folder;
  const auto digits = write_digits(folder.path(), options.is_smoke ? 32 : 160);
  compare_training(report, options, digits);
  compare_reading<CnnProblem>(report, options, digits, "small CNN");
  compare_reading<ResNetProblem>(report, options, digits, "ResNet-18");
}
