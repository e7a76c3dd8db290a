// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

[[nodiscard]] inline std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

/// What a result was made on, and with how many threads.
[[nodiscard]] inline nlohmann::json machine() {
  return {{"processor", processor_name()},
          {"cores", std::thread::hardware_concurrency()},
          {"threads", at::get_num_threads()}};
}

/// Of the last minute: how many processes wanted a core; -1 where nobody knows. Timings are worth little unless it is
/// near 0.
[[nodiscard]] inline double load_average() {
  std::array<double, 1> load{};
  return ::getloadavg(load.data(), 1) == 1 ? load[0] : -1.0;
}

/// The same, and what a timing depends on besides.
[[nodiscard]] inline nlohmann::json machine_of_timings() {
  auto all = machine();
  all["capability"] = at::get_cpu_capability();
  all["load_average"] = load_average();
  return all;
}
