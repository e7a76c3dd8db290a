// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <system_error>

#include <g2d/core/host_memory.hpp>

/// What every speed benchmark is told on its command line.
struct BenchOptions {
  bool is_smoke = false;      ///< Once, with little data: does it run?
  std::string json;           ///< Where its figures go as JSON lines, appended; empty: nowhere.
  int threads = 1;            ///< Of LibTorch's operators, in both of what is compared.
  double pairs_factor = 1.0;  ///< Multiplies the number of timed pairs.
  bool keeps_memory = true;   ///< Both of what is compared keep freed memory; else the C library does as it does.

  /// `full` pairs, or as many as a smoke run takes.
  [[nodiscard]] std::int64_t pairs(std::int64_t full) const {
    const auto scaled = static_cast<std::int64_t>(static_cast<double>(full) * pairs_factor);
    return is_smoke ? 1 : (scaled < 1 ? 1 : scaled);
  }
};

/// Reads `[--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap]`, sets the threads and, but for the
/// last, keeps the host's memory, for both of what is compared; anything else ends the program with the usage.
[[nodiscard]] inline BenchOptions read_bench_options(int argc, char** argv) {
  BenchOptions options;
  const auto refuse = [&](std::string_view given) {
    fmt::print(stderr, "{}: expected [--smoke] [--json FILE] [--threads N] [--pairs FACTOR] [--default-heap], got {}\n",
               argv[0], given);
    std::exit(2);
  };
  const auto number = [&](std::string_view text, auto& into) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
    if (error != std::errc() || end != text.data() + text.size() || !(into > 0)) refuse(text);
  };
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--smoke")
      options.is_smoke = true;
    else if (argument == "--default-heap")
      options.keeps_memory = false;
    else if (argument == "--json" && i + 1 < argc)
      options.json = argv[++i];
    else if (argument == "--threads" && i + 1 < argc)
      number(argv[++i], options.threads);
    else if (argument == "--pairs" && i + 1 < argc)
      number(argv[++i], options.pairs_factor);
    else
      refuse(argument);
  }
  if (options.keeps_memory) g2d::keep_host_memory();
  at::set_num_threads(options.threads);
  return options;
}
