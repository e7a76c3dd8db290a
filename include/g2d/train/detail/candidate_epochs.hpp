// SPDX-FileCopyrightText: 2026 The g2d authors
// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>

#include <g2d/core/per_modality.hpp>

namespace g2d::detail {

/// Which epochs a run may end with: those after every modality that ever learns has begun to, and after as many as ever
/// do have learnt together. An epoch in which an encoder is untrained is no candidate, however well it does; a method
/// that lets modalities take turns is selected among all turns after the first round.
class CandidateEpochs {
 public:
  /// Whether all epochs before this one are candidates no more.
  [[nodiscard]] bool begin_anew(const PerModality<bool>& learning) {
    bool is_more = false;
    if (has_learnt_.empty()) has_learnt_.assign(learning.size(), false);
    for (std::size_t m = 0; m < learning.size(); ++m) {
      is_more = is_more || (learning[m] && !has_learnt_[m]);
      has_learnt_[m] = has_learnt_[m] || learning[m];
    }
    const auto together = std::count(learning.begin(), learning.end(), true);
    is_more = is_more || together > most_together_;
    most_together_ = std::max(most_together_, together);
    return is_more;
  }

 private:
  PerModality<bool> has_learnt_;
  std::ptrdiff_t most_together_ = 0;
};

}  // namespace g2d::detail
