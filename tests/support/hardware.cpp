// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "requirement.hpp"

#include <ATen/DeviceAccelerator.h>
#include <ATen/Version.h>

namespace {

std::string no_device() {
  return at::accelerator::deviceCount() > 0 ? "" : "LibTorch sees no accelerator on this machine";
}

std::string no_avx2() {
  const auto processor = at::get_cpu_capability();
  return processor == "AVX2" || processor == "AVX512" ? ""
                                                      : "the processor has no AVX2, or LibTorch is told not to use it";
}

[[maybe_unused]] const bool registered = g2d_test::requirements().emplace("device", no_device).second &&
                                         g2d_test::requirements().emplace("avx2", no_avx2).second;

}  // namespace
