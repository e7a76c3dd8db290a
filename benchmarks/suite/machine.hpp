// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/Parallel.h>
#include <ATen/core/Tensor.h>
#include <sys/resource.h>
#include <torch/version.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>

#include <g2d/core/fingerprint.hpp>
#include <g2d/version.hpp>

/// What results are never mixed across. `build` tells one build of this program from another.
[[nodiscard]] inline nlohmann::json versions() {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(self)), std::istreambuf_iterator<char>());
  return {{"g2d", G2D_VERSION}, {"libtorch", TORCH_VERSION}, {"compiler", __VERSION__}, {"build", g2d::Fingerprint().add(bytes).str()}};
}

[[nodiscard]] inline nlohmann::json machine() {
  std::ifstream info("/proc/cpuinfo");
  std::string processor = "unknown";
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) {
      processor = line.substr(line.find(':') + 2);
      break;
    }
  }
  return {{"processor", processor}, {"cores", std::thread::hardware_concurrency()}, {"threads", at::get_num_threads()}};
}

/// Of this process, since its start.
[[nodiscard]] inline std::int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  constexpr std::int64_t bytes_of_unit = 1024;
  return usage.ru_maxrss * bytes_of_unit;
}
