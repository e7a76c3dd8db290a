// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>

#include <g2d/core/print.hpp>
#include <g2d/train/trainer_options.hpp>

namespace g2d {

/// Shows how far a run is: one line drawn in place on a terminal, a few whole lines in a log file. It only counts, so
/// that no step waits for it.
class ProgressBar {
 public:
  explicit ProgressBar(std::string label, std::FILE* stream = stderr)
      : label_(std::move(label)),
        stream_(stream),
        is_terminal_(::isatty(::fileno(stream)) == 1),
        begin_(Clock::now()) {}

  /// Adds a bar to the callbacks of a run.
  static void attach(TrainerOptions& options, std::string label, std::FILE* stream = stderr) {
    auto bar = std::make_shared<ProgressBar>(std::move(label), stream);
    options.on_step.push_back([bar](const StepReport& report) { bar->on_step(report); });
    options.on_epoch.push_back([bar](const EpochReport& report) { bar->on_epoch(report); });
  }

  void on_step(const StepReport& report) {
    if (!is_terminal_) return;
    const auto now = Clock::now();
    if (now - drawn_ < std::chrono::milliseconds(100)) return;
    drawn_ = now;
    const double share =
        (static_cast<double>(report.epoch) + static_cast<double>(report.step) / static_cast<double>(report.num_steps)) /
        static_cast<double>(report.num_epochs);
    draw(fmt::format("{} {:3.0f}%  epoch {}/{}  {}  {}", label_, 100.0 * share, report.epoch + 1, report.num_epochs,
                     summary_, remaining(share)));
  }

  void on_epoch(const EpochReport& report) {
    const auto& metric = report.validation.fused[0];
    summary_ = fmt::format("[{}] loss {:.4f}  validation {} {:.{}f}", report.stage,
                           report.losses.empty() ? 0.0 : report.losses[0].second, metric.name, metric.value,
                           metric.value < 1000.0 ? 4 : 0);
    if (report.num_skipped > 0) summary_ += fmt::format("  ({} steps skipped: not finite)", report.num_skipped);
    const auto epoch = report.epoch + 1;
    if (is_terminal_) {
      if (epoch == report.num_epochs) draw({});
      return;
    }
    // About ten lines a run, whatever its length.
    const auto every = (report.num_epochs + 9) / 10;
    if (epoch % every == 0 || epoch == report.num_epochs) {
      print(stream_, "{} epoch {}/{}  {}  {:.1f} s\n", label_, epoch, report.num_epochs, summary_, elapsed());
      std::fflush(stream_);
    }
  }

 private:
  using Clock = std::chrono::steady_clock;

  [[nodiscard]] double elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }

  [[nodiscard]] std::string remaining(double share) const {
    return share > 0.0 ? fmt::format("{:.0f} s left", elapsed() * (1.0 - share) / share) : std::string();
  }

  [[nodiscard]] std::size_t width() const {
    winsize size{};
    const bool is_known = ::ioctl(::fileno(stream_), TIOCGWINSZ, &size) == 0 && size.ws_col > 1;
    return is_known ? static_cast<std::size_t>(size.ws_col) - 1 : 79;
  }

  void draw(std::string line) {
    line.resize(std::min(line.size(), width()));
    print(stream_, "\r\x1b[K{}", line);
    std::fflush(stream_);
  }

  std::string label_;
  std::FILE* stream_;
  bool is_terminal_;
  Clock::time_point begin_;
  Clock::time_point drawn_{};
  std::string summary_;
};

}  // namespace g2d
