// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/core/Tensor.h>
#include <sys/resource.h>
#include <torch/version.h>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include <g2d/core/fingerprint.hpp>
#include <g2d/version.hpp>

#include "support/machine.hpp"

/// What results are never mixed across. `build` tells one build of this program from another.
[[nodiscard]] inline nlohmann::json versions() {
  std::ifstream self("/proc/self/exe", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(self)), std::istreambuf_iterator<char>());
  return {{"g2d", G2D_VERSION},
          {"libtorch", TORCH_VERSION},
          {"compiler", __VERSION__},
          {"build", g2d::Fingerprint().add(bytes).str()}};
}

/// Of this process, since its start.
[[nodiscard]] inline std::int64_t peak_resident_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  constexpr std::int64_t bytes_of_unit = 1024;
  return usage.ru_maxrss * bytes_of_unit;
}
