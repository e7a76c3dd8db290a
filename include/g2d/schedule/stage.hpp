// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

#include <g2d/core/per_modality.hpp>

namespace g2d::schedule {

/// A stretch of epochs in which the same modalities are suppressed.
struct Stage {
  std::string name;  ///< For logs: "audio alone", "all".
  std::int64_t first_epoch = 0;
  std::int64_t num_epochs = 0;
  PerModality<bool> suppressed;  ///< By the schedule alone, for the whole stage.
  /// In every batch the modality with the greatest teacher confidence is suppressed too.
  bool compares_batches = false;

  [[nodiscard]] bool contains(std::int64_t epoch) const {
    return epoch >= first_epoch && epoch < first_epoch + num_epochs;
  }
};

}  // namespace g2d::schedule
