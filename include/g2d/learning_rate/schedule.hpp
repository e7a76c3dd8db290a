// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <cstdint>
#include <functional>

#include <g2d/core/error.hpp>
#include <g2d/core/share_of.hpp>

namespace g2d::learning_rate {

/// What the learning rate is multiplied by in an epoch (0-based) of a run.
using Schedule = std::function<double(std::int64_t epoch, std::int64_t num_epochs)>;

/// 1 throughout.
[[nodiscard]] inline Schedule constant() {
  return [](std::int64_t, std::int64_t) { return 1.0; };
}

/// factor^(epoch / period): PyTorch's StepLR. The authors': period 200, factor 0.1. ConfigError for a period below 1.
[[nodiscard]] inline Schedule step(std::int64_t period, double factor = 0.1) {
  if (period < 1) throw ConfigError(fmt::format("g2d: learning_rate::step: expected period >= 1, got {}", period));
  return [=](std::int64_t epoch, std::int64_t) { return std::pow(factor, static_cast<double>(epoch / period)); };
}

/// `factor` once after a share of the run: it fits any number of epochs.
[[nodiscard]] inline Schedule drop_after(double share, double factor = 0.1) {
  return [=](std::int64_t epoch, std::int64_t num_epochs) {
    return static_cast<double>(epoch) >= share_of(share, num_epochs) ? factor : 1.0;
  };
}

}  // namespace g2d::learning_rate
