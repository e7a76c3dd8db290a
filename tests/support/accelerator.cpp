// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT

#include "requirement.hpp"

#include <ATen/DeviceAccelerator.h>

namespace {

std::string no_device() {
  return at::accelerator::deviceCount() > 0 ? "" : "LibTorch sees no accelerator on this machine";
}

[[maybe_unused]] const bool registered = g2d_test::requirements().emplace("device", no_device).second;

}  // namespace
