// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include <cstdlib>

/// Lets idle threads sleep instead of spin, unless the user chose by OMP_WAIT_POLICY or GOMP_SPINCOUNT: on a machine
/// that is shared, spinning threads keep those from the cores that have work. The OpenMP library reads the choice when
/// it is loaded, so the program starts anew once.
inline void wait_passively(char** argv) {
  if (std::getenv("OMP_WAIT_POLICY") != nullptr || std::getenv("GOMP_SPINCOUNT") != nullptr) return;
  if (::setenv("OMP_WAIT_POLICY", "PASSIVE", 0) != 0) return;
  ::execv("/proc/self/exe", argv);  // Comes back only where that cannot be: the program then runs as it is.
}
