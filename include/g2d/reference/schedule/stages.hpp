// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <vector>

#include <g2d/core/error.hpp>
#include <g2d/reference/detail/check.hpp>

namespace g2d::reference::schedule {

/// The stage that `epoch`, counted from 0, belongs to, when stage j lasts stage_epochs[j]; one of 0 epochs is passed
/// over.
///
/// Errors     ConfigError for an epoch below 0 or after the last stage.
[[nodiscard]] inline std::size_t stage_of_epoch(std::int64_t epoch, const std::vector<std::int64_t>& stage_epochs) {
  std::int64_t end = 0;
  for (std::size_t stage = 0; stage < stage_epochs.size(); ++stage) {
    end += stage_epochs[stage];
    if (epoch >= 0 && epoch < end) return stage;
  }
  throw ConfigError("g2d: reference::schedule::stage_of_epoch: expected an epoch in [0, " + std::to_string(end) +
                    "), got " + std::to_string(epoch));
}

/// Sequential modality prioritization has M + 1 stages: in stage j < M the encoder of modality order[j] learns alone,
/// in the last one all learn.
///
/// Errors     ConfigError for a stage above M.
/// Source     Rakib & Bagavathi 2025, arXiv:2506.21514.
[[nodiscard]] inline std::vector<std::size_t> active_modalities(std::size_t stage,
                                                                const std::vector<std::size_t>& order) {
  detail::check_index(stage, order.size() + 1, "a stage", "schedule::active_modalities");
  if (stage < order.size()) return {order[stage]};
  std::vector<std::size_t> all(order.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

}  // namespace g2d::reference::schedule
