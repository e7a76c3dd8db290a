// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <csignal>

/// A program whose reader or terminal is gone goes on. Standard streams that were closed lead nowhere; else the next
/// file that is opened would take their place, and what is printed would land in it.
inline void survive_lost_output() {
  std::signal(SIGPIPE, SIG_IGN);
  for (int stream = 0; stream <= 2; ++stream) {
    if (::fcntl(stream, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
  }
}
