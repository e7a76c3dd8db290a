// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/version.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench_options.hpp"
#include "machine.hpp"
#include "paired_timing.hpp"

/// What a figure should reach.
struct Aim {
  double value = 0.0;
  bool is_at_most = false;  ///< Else at least.

  [[nodiscard]] std::string text() const { return fmt::format("{} {:.4g}", is_at_most ? "<=" : ">=", value); }
};

[[nodiscard]] inline Aim at_most(double value) { return {value, true}; }
[[nodiscard]] inline Aim at_least(double value) { return {value, false}; }

/// Prints a benchmark's figures as they come, and appends them to a file of JSON lines when one is asked for.
class BenchReport {
 public:
  BenchReport(std::string name, const BenchOptions& options)
      : name_(std::move(name)), options_(options), machine_(machine_of_timings()) {
    fmt::print("{}: {} thread(s), {} core(s) of {}, {}, load average {:.2f}\n", name_, at::get_num_threads(),
               machine_["cores"].get<int>(), machine_["processor"].get<std::string>(),
               machine_["capability"].get<std::string>(), machine_["load_average"].get<double>());
  }

  /// Two ways of doing `what`, timed in pairs: how many times faster a is than b.
  void add_speedup(const std::string& what, const std::string& a, const std::string& b, const PairedTiming& timing,
                   std::optional<Aim> aim = {}) {
    // time_pairs gives a / b; a speed-up is its inverse, and its quartiles change places.
    add_ratio("speedup", what, a, b, timing, 1.0 / timing.ratio, 1.0 / timing.ratio_high, 1.0 / timing.ratio_low, aim);
  }

  /// The same as a ratio of times, a / b.
  void add_time_ratio(const std::string& what, const std::string& a, const std::string& b, const PairedTiming& timing,
                      std::optional<Aim> aim = {}) {
    add_ratio("time ratio", what, a, b, timing, timing.ratio, timing.ratio_low, timing.ratio_high, aim);
  }

  /// A figure that is no ratio of two times.
  void add_value(const std::string& what, double value, const std::string& unit, std::optional<Aim> aim = {}) {
    fmt::print("  {:<58} {:>10.4g} {}{}\n", what, value, unit, aim ? "  (aim " + aim->text() + ")" : "");
    write({{"what", what}, {"value", value}, {"unit", unit}}, aim);
  }

 private:
  void add_ratio(const char* kind, const std::string& what, const std::string& a, const std::string& b,
                 const PairedTiming& timing, double ratio, double low, double high, std::optional<Aim> aim) {
    fmt::print("  {:<58} {} {:.3f} ms, {} {:.3f} ms: {} {:.3f} [{:.3f}, {:.3f}]{}\n", what, a, 1e3 * timing.median_a, b,
               1e3 * timing.median_b, kind, ratio, low, high, aim ? "  (aim " + aim->text() + ")" : "");
    write({{"what", what},
           {"kind", kind},
           {"a", a},
           {"b", b},
           {"seconds_a", timing.median_a},
           {"seconds_b", timing.median_b},
           {"ratio", ratio},
           {"ratio_low", low},
           {"ratio_high", high}},
          aim);
  }

  void write(nlohmann::json line, std::optional<Aim> aim) const {
    std::fflush(stdout);
    if (options_.json.empty()) return;
    line["benchmark"] = name_;
    line["threads"] = at::get_num_threads();
    line["machine"] = machine_;
    line["libtorch"] = TORCH_VERSION;
    line["is_smoke"] = options_.is_smoke;
    line["keeps_memory"] = options_.keeps_memory;
    if (aim) line["aim"] = aim->text();
    std::ofstream file(options_.json, std::ios::app);
    if (!(file << line.dump() << "\n")) throw std::runtime_error("cannot write " + options_.json);
  }

  std::string name_;
  BenchOptions options_;
  nlohmann::json machine_;  ///< At the start.
};
