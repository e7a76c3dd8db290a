// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <pthread.h>
#include <atomic>
#include <csignal>
#include <cstdlib>

#include <stop_token>
#include <thread>
#include <utility>

#include <g2d/core/print.hpp>

/// Turns Ctrl-C, SIGTERM, and SIGHUP of a terminal that is gone, into a stop that a run looks at between two steps; a
/// second one ends the program at once, as the first does while nothing is trained. Make it before any other thread
/// starts: they inherit the blocked signals. The library itself installs no signal handlers.
class StopOnInterrupt {
 public:
  StopOnInterrupt() {
    sigset_t signals;
    sigemptyset(&signals);
    for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
      if (!is_ignored(signal)) sigaddset(&signals, signal);  // nohup's SIGHUP stays ignored.
    }
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    std::thread([signals, source = source_, this]() mutable {
      int signal = 0;
      sigwait(&signals, &signal);
      signal_ = signal;
      if (!trains_) std::_Exit(128 + signal);
      g2d::print(stderr, "\nstopping after this step; once more to end at once\n");
      source.request_stop();
      sigwait(&signals, &signal);
      std::_Exit(128 + signal);
    }).detach();
  }

  StopOnInterrupt(const StopOnInterrupt&) = delete;
  StopOnInterrupt& operator=(const StopOnInterrupt&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

  /// From here on a stop waits for the end of a step, or, with false, no longer does.
  void set_training(bool trains) { trains_ = trains; }

  /// 128 + the signal that asked for the stop, as shells count.
  [[nodiscard]] int status() const { return 128 + signal_; }

 private:
  [[nodiscard]] static bool is_ignored(int signal) {
    struct sigaction action{};
    return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
  }

  std::stop_source source_;
  std::atomic<int> signal_ = 0;
  std::atomic<bool> trains_ = false;
};
