// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Time and peak memory of a step over modalities, batch and classes; time of a batch's gather and resident memory over
// samples. Encoders are tiny, so that all the rest shows; the teachers' cache lies in a file. The slopes are those of
// straight lines through the logarithms: 1 is proportional, 0 is flat.
//
//   scaling_bench [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]

#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <malloc.h>
#include <unistd.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <g2d/data/batch_order.hpp>
#include <g2d/data/in_memory.hpp>
#include <g2d/encoder/mlp.hpp>
#include <g2d/fusion/late.hpp>
#include <g2d/method/g2d.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/teacher/teacher_cache.hpp>
#include <g2d/train/step.hpp>
#include <g2d/train/student.hpp>

#include "support/bench_report.hpp"
#include "support/memory.hpp"

namespace {

using Student = g2d::BasicStudent<g2d::fusion::Late>;
using Task = g2d::task::Classification;
using Method = g2d::method::G2d<Task, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;

constexpr std::int64_t width = 32;

g2d::ModalityNames make_names(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t m = 0; m < count; ++m) names.push_back(fmt::format("modality{}", m + 1));
  return g2d::ModalityNames(std::move(names));
}

std::vector<g2d::Encoder> make_encoders(std::size_t count) {
  std::vector<g2d::Encoder> encoders;
  for (std::size_t m = 0; m < count; ++m) {
    encoders.emplace_back(std::make_shared<g2d::encoder::Mlp>(
        g2d::encoder::MlpOptions{.in_features = width, .hidden = {64}, .feature_width = width}));
  }
  return encoders;
}

std::shared_ptr<Student> make_student(const g2d::ModalityNames& names, std::int64_t classes) {
  const std::vector<std::int64_t> widths(names.size(), width);
  return std::make_shared<Student>(g2d::fusion::Late(g2d::FusionShape(names, widths, classes)),
                                   make_encoders(names.size()));
}

/// One point of a curve: what is timed, and how long it took in each round.
struct Point {
  double x = 0.0;
  std::int64_t calls = 1;
  std::function<void()> work;
  std::vector<double> seconds = {};

  [[nodiscard]] double median() const { return quantile(seconds, 0.5); }
};

/// The rounds visit all points in turn, so that a disturbance spoils no single one.
void time_in_turn(std::vector<Point>& points, std::int64_t rounds) {
  for (auto& point : points) (void)seconds_of(point.work, point.calls);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& point : points) point.seconds.push_back(seconds_of(point.work, point.calls));
  }
}

/// Of the least-squares line through (log x, log y).
double slope(const std::vector<double>& x, const std::vector<double>& y) {
  const auto count = static_cast<double>(x.size());
  double sum_x = 0.0, sum_y = 0.0, sum_xx = 0.0, sum_xy = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double a = std::log(x[i]), b = std::log(y[i]);
    sum_x += a;
    sum_y += b;
    sum_xx += a * a;
    sum_xy += a * b;
  }
  return (count * sum_xy - sum_x * sum_y) / (count * sum_xx - sum_x * sum_x);
}

/// A value for each point, and the slope of all: `axis = x: quantity` and `axis: slope of quantity`.
void report_curve(BenchReport& report, const std::string& axis, const std::string& quantity, const std::string& unit,
                  const std::vector<double>& x, const std::vector<double>& y, std::optional<Aim> slope_aim = {}) {
  for (std::size_t i = 0; i < x.size(); ++i)
    report.add_value(fmt::format("{} = {}: {}", axis, x[i], quantity), y[i], unit);
  report.add_value(fmt::format("{}: slope of {}", axis, quantity), slope(x, y), "", slope_aim);
}

void report_times(BenchReport& report, const std::string& axis, const std::string& quantity,
                  const std::vector<Point>& points, std::optional<Aim> slope_aim = {}) {
  std::vector<double> x, milliseconds;
  for (const auto& point : points) {
    x.push_back(point.x);
    milliseconds.push_back(1e3 * point.median());
  }
  report_curve(report, axis, quantity, "ms", x, milliseconds, slope_aim);
}

struct Size {
  std::size_t modalities = 2;
  std::int64_t batch = 16;
  std::int64_t classes = 10;
};

/// A joint G2D step of one size, with everything that it needs.
class SizedStep {
 public:
  explicit SizedStep(const Size& size)
      : student_(make_student(make_names(size.modalities), size.classes)),
        step_(*student_, Method(), {}, summary(size)) {
    for (std::size_t m = 0; m < size.modalities; ++m) {
      batch_.inputs.emplace_back(at::randn({size.batch, width}));
      teachers_.features.push_back(at::randn({size.batch, width}));
      teachers_.logits.push_back(at::randn({size.batch, size.classes}));
    }
    batch_.target = at::randint(size.classes, {size.batch}, at::kLong);
  }

  void operator()() { (void)step_(batch_, &teachers_); }

 private:
  static g2d::TeacherSummary summary(const Size& size) {
    return {g2d::PerModality<std::int64_t>(size.modalities, width), size.classes,
            g2d::PerModality<double>(size.modalities, 0.5)};
  }

  std::shared_ptr<Student> student_;
  g2d::Step<Student, Method> step_;
  g2d::Batch batch_;
  g2d::TeacherOutputs teachers_;
};

void scale_step(BenchReport& report, const BenchOptions& options, const std::string& axis,
                const std::vector<std::pair<double, Size>>& sizes) {
  std::vector<Point> points;
  std::vector<double> x, mebibytes;
  for (const auto& [value, size] : sizes) {
    x.push_back(value);
    mebibytes.push_back(static_cast<double>(peak_bytes([&size] {
                          SizedStep step(size);
                          for (int i = 0; i < 3; ++i) step();
                        })) /
                        1048576.0);
    auto step = std::make_shared<SizedStep>(size);
    points.push_back({value, options.is_smoke ? 1 : 10, [step] { (*step)(); }});
  }
  time_in_turn(points, options.pairs(21));
  report_times(report, axis, "time of a step", points);
  report_curve(report, axis, "peak memory", "MiB", x, mebibytes);
}

/// Synthetic samples, their teachers' outputs in a file, and shuffled batches of them; each call gathers one batch of
/// both.
class Gather {
 public:
  Gather(std::int64_t num_samples, const std::filesystem::path& file)
      : dataset_(make_dataset(num_samples)),
        cache_(g2d::TeacherCache::precompute(make_teachers(), dataset_, Task(), {.batch_size = 4096, .file = file})),
        batches_(g2d::data::shuffled_batches(num_samples, batch_size, 0, 0)) {}

  void operator()() {
    const auto batch = dataset_.batch(batches_[next_++ % batches_.size()]);
    (void)cache_.outputs(batch);
  }

 private:
  static constexpr std::int64_t batch_size = 16;
  static constexpr std::int64_t classes = 10;

  static g2d::data::InMemory make_dataset(std::int64_t num_samples) {
    return {make_names(2),
            {at::randn({num_samples, width}), at::randn({num_samples, width})},
            at::randint(classes, {num_samples}, at::kLong)};
  }
  static g2d::Teachers make_teachers() {
    std::vector<g2d::Teacher> teachers;
    for (std::size_t m = 0; m < 2; ++m) teachers.push_back(g2d::Teacher::of(make_student(make_names(1), classes)));
    return {make_names(2), std::move(teachers)};
  }

  g2d::data::InMemory dataset_;
  g2d::TeacherCache cache_;
  std::vector<at::Tensor> batches_;
  std::size_t next_ = 0;
};

void scale_samples(BenchReport& report, const BenchOptions& options, const std::vector<std::int64_t>& sizes) {
  const auto folder = std::filesystem::temp_directory_path() / fmt::format("g2d-scaling-{}", ::getpid());
  std::filesystem::create_directories(folder);
  std::vector<Point> gathers, shuffles;
  for (const auto size : sizes) {
    ::malloc_trim(0);  // Else what is free would serve, and not be counted.
    const auto before = resident_bytes();
    auto gather = std::make_shared<Gather>(size, folder / fmt::format("teachers-{}", size));
    // Inputs take 256 bytes a sample, the teachers' rows 336; these lie in a file, whose pages count where they were
    // touched.
    report.add_value(fmt::format("samples = {}: resident memory of data and cache", size),
                     static_cast<double>(resident_bytes() - before) / 1048576.0, "MiB");
    gathers.push_back({static_cast<double>(size), options.is_smoke ? 2 : 200, [gather] { (*gather)(); }});
    shuffles.push_back({static_cast<double>(size), 1, [size] { (void)g2d::data::shuffled_batches(size, 16, 0, 1); }});
  }
  std::filesystem::remove_all(folder);  // What is mapped stays until nobody maps it.
  time_in_turn(gathers, options.pairs(21));
  time_in_turn(shuffles, options.pairs(5));
  report_times(report, "samples", "gather of a batch of 16", gathers, at_most(0.1));
  report_times(report, "samples", "shuffling an epoch", shuffles);
}

}  // namespace

int main(int argc, char** argv) {
  const auto options = read_bench_options(argc, argv);
  BenchReport report("scaling", options);
  std::vector<std::pair<double, Size>> modalities, batches, classes;
  for (const std::size_t count : {2, 3, 4, 6, 8})
    modalities.push_back({static_cast<double>(count), {.modalities = count}});
  for (const std::int64_t size : {16, 32, 64, 128, 256})
    batches.push_back({static_cast<double>(size), {.batch = size}});
  for (const std::int64_t count : {10, 100, 1000, 10000})
    classes.push_back({static_cast<double>(count), {.classes = count}});
  scale_step(report, options, "modalities", modalities);
  scale_step(report, options, "batch", batches);
  scale_step(report, options, "classes", classes);
  scale_samples(report, options,
                options.is_smoke ? std::vector<std::int64_t>{1000, 10000}
                                 : std::vector<std::int64_t>{1000, 10000, 100000, 1000000});
}
