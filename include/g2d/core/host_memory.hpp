// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace g2d {

/// Keeps freed memory in the process, for the next step's tensors, where glibc would hand every large block back to the
/// system and have it zeroed page by page again: a step of ResNet-18 on a CPU takes about a tenth less time.
///
/// For the whole process, from now on; a program's choice, which the library never makes by itself. Without glibc
/// nothing happens.
/// Cost       resident memory stays at its peak.
inline void keep_host_memory() {
#if defined(__GLIBC__)
  constexpr int one_gibibyte = 1 << 30, greatest_before_glibc_2_35 = 32 << 20;
  if (mallopt(M_MMAP_THRESHOLD, one_gibibyte) == 0) mallopt(M_MMAP_THRESHOLD, greatest_before_glibc_2_35);
  mallopt(M_TRIM_THRESHOLD, one_gibibyte);
#endif
}

}  // namespace g2d
