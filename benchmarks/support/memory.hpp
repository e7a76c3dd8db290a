// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <memory>
#include <stdexcept>

namespace detail {

class PeakCounter : public c10::MemoryReportingInfoBase {
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

}  // namespace detail

/// The greatest number of bytes that LibTorch's allocator has handed out at once in `work`, of what `work` allocated.
template <class Work>
[[nodiscard]] std::int64_t peak_bytes(Work&& work) {
  const auto counter = std::make_shared<detail::PeakCounter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, counter);
  work();
  return counter->peak();
}

/// Bytes of this process that lie in memory, as the system counts them.
[[nodiscard]] inline std::int64_t resident_bytes() {
  std::ifstream stream("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  if (!(stream >> total >> resident)) throw std::runtime_error("cannot read /proc/self/statm");
  return resident * ::sysconf(_SC_PAGESIZE);
}

/// Bytes that are allocated and not freed: what resident memory is without the holes between them.
[[nodiscard]] inline std::int64_t heap_bytes() {
  const auto info = ::mallinfo2();
  return static_cast<std::int64_t>(info.uordblks + info.hblkhd);
}
