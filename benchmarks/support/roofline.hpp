// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench_report.hpp"
#include "paired_timing.hpp"

/// Floating-point operations a second.
struct Rates {
  double gemm = 0.0;
  double convolution = 0.0;  ///< Of the quicker layout.
};

/// What this machine does with these threads.
struct MachineRates {
  Rates float32;
  std::optional<Rates> bfloat16;  ///< Unless it is emulated.
};

/// In the median, as steps are timed.
template <class Work>
[[nodiscard]] double median_seconds(Work&& work) {
  work();
  std::vector<double> seconds;
  for (int i = 0; i < 12; ++i) seconds.push_back(seconds_of(work, 1));
  return quantile(seconds, 0.5);
}

namespace detail {

[[nodiscard]] inline double gemm_rate(std::int64_t size, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const auto a = at::randn({size, size}).to(dtype), b = at::randn({size, size}).to(dtype);
  const auto length = static_cast<double>(size);
  return 2.0 * length * length * length / median_seconds([&] { (void)at::mm(a, b); });
}

/// Of ResNet-18's most common convolution.
[[nodiscard]] inline double convolution_rate(at::MemoryFormat layout, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const auto images = at::randn({16, 64, 28, 28}).to(dtype).contiguous(layout);
  const auto filters = at::randn({64, 64, 3, 3}).to(dtype).contiguous(layout);
  constexpr double flops = 2.0 * 16 * 64 * 64 * 9 * 28 * 28;
  return flops /
         median_seconds([&] { (void)at::conv2d(images, filters, {}, at::IntArrayRef{1, 1}, at::IntArrayRef{1, 1}); });
}

[[nodiscard]] inline Rates rates(at::ScalarType dtype) {
  return {gemm_rate(1024, dtype), std::max(convolution_rate(at::MemoryFormat::Contiguous, dtype),
                                           convolution_rate(at::MemoryFormat::ChannelsLast, dtype))};
}

/// Processors without instructions for it emulate bfloat16 at a fraction of float32's speed.
[[nodiscard]] inline bool multiplies_bfloat16_faster() {
  constexpr std::int64_t size = 256;
  return gemm_rate(size, at::kBFloat16) > gemm_rate(size, at::kFloat);
}

}  // namespace detail

[[nodiscard]] inline MachineRates measure_rates() {
  return {detail::rates(at::kFloat),
          detail::multiplies_bfloat16_faster() ? std::optional(detail::rates(at::kBFloat16)) : std::nullopt};
}

/// False, and a line that says so, where bfloat16 is slower than float32.
[[nodiscard]] inline bool can_compare_bfloat16(const MachineRates& machine) {
  if (machine.bfloat16) return true;
  fmt::print("  bfloat16: not compared, for this machine multiplies it no faster than float32\n");
  return false;
}

inline void report_machine(BenchReport& report, const std::string& dtype, const Rates& rates) {
  report.add_value("GEMM 1024^3, " + dtype, rates.gemm / 1e9, "GFLOP/s");
  report.add_value("convolution 3x3, 64 channels, 28^2, forward, " + dtype, rates.convolution / 1e9, "GFLOP/s");
}

inline void report_machine(BenchReport& report, const MachineRates& machine) {
  report_machine(report, "float32", machine.float32);
  if (machine.bfloat16) report_machine(report, "bfloat16", *machine.bfloat16);
}

/// At what rate `what` computes, beside what the machine does.
inline void report_rate(BenchReport& report, const std::string& what, double flops, double seconds,
                        const Rates& machine) {
  const double rate = flops / seconds;
  report.add_value(what + ": rate", rate / 1e9, "GFLOP/s");
  report.add_value(what + ": share of the convolution's rate", 100.0 * rate / machine.convolution, "%");
}
