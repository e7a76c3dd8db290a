// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
//
// Peak bytes that LibTorch's allocator has handed out during a G2D step and during a joint training step of the same model.
// The teachers' rows of the batch count; the mapped cache they come from does not.
//
//   step_memory_bench [--smoke]

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string_view>

#include <g2d/method/g2d.hpp>
#include <g2d/method/joint_training.hpp>
#include <g2d/schedule/joint.hpp>
#include <g2d/task/classification.hpp>
#include <g2d/train/step.hpp>

#include "support/problem.hpp"

namespace {

class PeakMemory : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    now_ += size;
    peak_ = std::max(peak_, now_);
  }
  [[nodiscard]] bool memoryProfilingEnabled() const override { return true; }
  [[nodiscard]] std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0;
  std::int64_t peak_ = 0;
};

/// Everything is made inside: model, optimizer state, batch.
template <class Method>
std::int64_t peak_bytes(std::int64_t batch_size, bool with_teachers) {
  auto memory = std::make_shared<PeakMemory>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, memory);
  const auto student = make_bench_student<ResNetProblem>();
  const auto batch = make_bench_batch<ResNetProblem>(batch_size);
  std::optional<g2d::TeacherSummary> summary;
  if (with_teachers) summary = make_bench_summary(*student, {0.5, 0.6});
  g2d::Step step(*student, Method(), {.num_epochs = 3}, summary);
  for (int i = 0; i < 3; ++i) {
    const auto teachers = with_teachers ? make_bench_teachers(*student, batch_size) : g2d::TeacherOutputs{};
    (void)step(batch, &teachers);
  }
  return memory->peak();
}

}  // namespace

int main(int argc, char** argv) {
  using Task = g2d::task::Classification;
  using JointG2d = g2d::method::G2d<Task, g2d::distillation::Mse, g2d::distillation::Kl, g2d::schedule::Joint>;
  const bool smoke = argc > 1 && std::string_view(argv[1]) == "--smoke";
  const std::int64_t batch_size = smoke ? 2 : 16;
  const auto joint = peak_bytes<g2d::method::JointTraining<Task>>(batch_size, false);
  const auto g2d_all = peak_bytes<JointG2d>(batch_size, true);
  const auto g2d_stage = peak_bytes<g2d::method::G2d<Task>>(batch_size, true);
  const auto show = [&](const char* name, std::int64_t bytes) {
    fmt::print("{:<36} {:8.1f} MiB   ratio {:.4f}\n", name, static_cast<double>(bytes) / 1048576.0,
               static_cast<double>(bytes) / static_cast<double>(joint));
  };
  fmt::print("step_memory: {}, batch {}\n", ResNetProblem::name, batch_size);
  show("joint training", joint);
  show("G2D, all modalities (aim <= 1.01)", g2d_all);
  show("G2D, one modality alone", g2d_stage);
}
