// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <ATen/ops/isfinite.h>
#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string>

#include <g2d/io/weights.hpp>
#include <g2d/train/trainer.hpp>

namespace g2d {

/// Why a run came to nothing, or nothing where it did not: a parameter or buffer of the module that is not finite, else
/// the total loss of the last epoch that is not.
[[nodiscard]] inline std::optional<std::string> divergence(const torch::nn::Module& module, const History& history) {
  for (const auto& item : io::state_of(module)) {
    if (item.value().is_floating_point() && !at::isfinite(item.value()).all().item<bool>())
      return fmt::format("\"{}\" is not finite", item.key());
  }
  if (history.epochs.empty() || history.epochs.back().losses.empty()) return std::nullopt;
  const double total = history.epochs.back().losses[0].second;
  if (!std::isfinite(total)) return fmt::format("the loss of the last epoch is {}", total);
  return std::nullopt;
}

}  // namespace g2d
