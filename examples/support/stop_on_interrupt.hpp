// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>
#include <csignal>
#include <cstdlib>

#include <fmt/format.h>

#include <stop_token>
#include <thread>

/// Turns Ctrl-C into a stop that a run looks at between two steps; a second Ctrl-C ends the program at once. Make it
/// before any other thread starts: they inherit the blocked signal. The library itself installs no signal handlers.
class StopOnInterrupt {
 public:
  StopOnInterrupt() {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGINT);
    sigaddset(&signals_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    std::thread([signals = signals_, source = source_]() mutable {
      int signal = 0;
      sigwait(&signals, &signal);
      fmt::print(stderr, "\nstopping after this step; once more to end at once\n");
      source.request_stop();
      sigwait(&signals, &signal);
      std::_Exit(128 + signal);
    }).detach();
  }

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source source_;
};
