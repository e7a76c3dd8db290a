// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <string>

namespace g2d_test {

/// How far the address space has grown since construction, at its peak: it counts memory that was asked for and never
/// touched, whoever asked.
class AddressSpace {
 public:
  AddressSpace() : size_before_(kilobytes("VmSize:")), peak_before_(kilobytes("VmPeak:")) {}

  /// In bytes; 0 where it stayed below an earlier peak of the process.
  [[nodiscard]] std::int64_t growth() const {
    const auto peak = kilobytes("VmPeak:");
    return peak == peak_before_ ? 0 : (peak - size_before_) * 1024;
  }

 private:
  static std::int64_t kilobytes(const std::string& name) {
    std::ifstream status("/proc/self/status");
    std::string word;
    std::int64_t value = 0;
    while (status >> word && word != name) {
    }
    status >> value;
    return value;
  }

  std::int64_t size_before_;
  std::int64_t peak_before_;
};

}  // namespace g2d_test
